"""Fetching a calendar over https, from a real server on this machine."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from daypass.directory import calendar_sources
from daypass.directory.calendar_sources import fetch_https
from daypass.directory.calendars import MAX_BYTES


class Calendars(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
        elif self.path == "/back":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
        elif self.path == "/good":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"BEGIN:VCALENDAR")
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", *words.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem"


@pytest.fixture(scope="module")
def address(certificate: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Calendars)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """This machine trusts the server's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "*")


@pytest.mark.usefixtures("trusted")
def test_calendar_is_fetched_also_by_a_redirect_within_https(address):
    """As calendar services do it."""
    assert fetch_https(f"{address}/good") == b"BEGIN:VCALENDAR"
    assert fetch_https(f"{address}/back") == b"BEGIN:VCALENDAR"


def test_server_that_this_machine_does_not_trust_is_refused(address, monkeypatch):
    """Whoever is on the way can't write the rota."""
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch_https(f"{address}/good")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("path", ["/away", "/missing"])
def test_redirect_out_of_https_and_other_answers_are_errors(address, path):
    """Never without encryption; an error page isn't a rota."""
    with pytest.raises(OSError, match=r"https|404"):
        fetch_https(f"{address}{path}")


@pytest.mark.usefixtures("trusted")
def test_answer_without_end_is_cut(address, monkeypatch):
    """By size, and by time."""
    assert MAX_BYTES < len(fetch_https(f"{address}/endless")) <= MAX_BYTES + calendar_sources.CHUNK
    monkeypatch.setattr(calendar_sources, "MAX_BYTES", 1 << 40)  # a quick machine reaches no such size
    monkeypatch.setattr(calendar_sources, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(OSError, match="time"):
        fetch_https(f"{address}/endless")
