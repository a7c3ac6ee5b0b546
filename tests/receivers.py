"""Real servers on loopback that messages come to: a webhook, a mail server, and one that says nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"
PASSWORD = "hunter22-of-mail"


@dataclass
class Webhook:
    """Takes JSON.

    Attributes:
        received: What came, in its order.
        status: What it answers.
        before_answer: Called when a message has come, before the answer.
    """

    port: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    before_answer: Callable[[], None] = lambda: None

    def url(self, path: str = "hook", query: str = "") -> str:
        return f"json://{LOOPBACK}:{self.port}/{path}{query}"


@contextmanager
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.received.append({"path": self.path, **json.loads(body)})
            hook.before_answer()
            self.send_response(hook.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    hook.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mail:
    """Takes mail from `daypass` with its password.

    Attributes:
        received: Recipients and the parsed message.
    """

    port: int = 0
    received: list[tuple[list[str], Message]] = field(default_factory=list)

    def url(self, to: str = "{email}", password: str = PASSWORD, query: str = "") -> str:
        where = f"{LOOPBACK}:{self.port}?from=daypass@example.com&to={to}"
        return f"mailto://daypass:{password}@{where}&mode=insecure{query}"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        assert isinstance(envelope.content, bytes)
        self.received.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 taken"


@contextmanager
def mail_server() -> Iterator[Mail]:
    # Only with the developers' packages: whoever runs webhooks alone does without.
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    mail = Mail()

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == PASSWORD.encode(), handled=False)

    controller = Controller(
        mail, LOOPBACK, free_port(), authenticator=check, auth_required=True, auth_require_tls=False
    )
    controller.start()
    mail.port = controller.port
    try:
        yield mail
    finally:
        controller.stop()


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        yield int(listening.getsockname()[1])
