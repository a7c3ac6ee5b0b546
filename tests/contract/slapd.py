"""A private OpenLDAP server for the tests: own folder and authority, loopback alone, gone afterwards."""

from __future__ import annotations

import base64
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.waiting import wait_for

PROGRAM = Path("/usr/sbin/slapd")
SCHEMAS = Path("/etc/ldap/schema")
SUFFIX = "dc=example,dc=com"
ADMIN = f"cn=admin,{SUFFIX}"
READER = f"cn=daypass,{SUFFIX}"
PASSWORD = "a password of the tests"
# What OpenSSH's patch for LDAP keys defines (openssh-lpk); it isn't among the schemas of the package.
KEYS = """
attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MAY ( sshPublicKey ) )
"""


class Authority:
    """A certificate authority of the tests."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"tests {folder.name}")])
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(_pem(self._sign(self._key.public_key(), self._name, None)))

    def issue(self, folder: Path, *addresses: str) -> tuple[Path, Path]:
        """Files of a certificate for these names or addresses, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        certificate, private = folder / "server.pem", folder / "server.key"
        certificate.write_bytes(_pem(self._sign(key.public_key(), name, addresses)))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, private

    def _sign(
        self, key: ec.EllipticCurvePublicKey, name: x509.Name, addresses: Sequence[str] | None
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=addresses is None, path_length=None), critical=True)
        )
        if addresses is not None:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_name(one) for one in addresses]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@dataclass
class Slapd:
    """A server that runs.

    Attributes:
        plain, secure: Its ports, for StartTLS and for TLS from the first byte.
    """

    folder: Path
    plain: int
    secure: int
    authority: Authority
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"ldaps://127.0.0.1:{self.secure}"

    @property
    def start_tls_url(self) -> str:
        return f"ldap://127.0.0.1:{self.plain}"

    def start(self) -> None:
        command = [
            *(str(PROGRAM), "-d", "0", "-f", str(self.folder / "slapd.conf")),
            *("-h", f"ldap://127.0.0.1:{self.plain} ldaps://127.0.0.1:{self.secure}"),
        ]
        with (self.folder / "slapd.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        self.process = process
        assert wait_for(lambda: process.poll() is not None or _listens(self.secure))
        assert process.poll() is None, (self.folder / "slapd.log").read_text()

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def load(self, entries: str) -> None:
        """Put entries in while the server is down; quicker than through it."""
        command = ["/usr/sbin/slapadd", "-q", "-f", str(self.folder / "slapd.conf")]
        done = subprocess.run(command, input=entries, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def admin(self) -> Iterator[object]:
        """A session that may change everything."""
        import ldap

        connection = ldap.initialize(self.start_tls_url)
        connection.simple_bind_s(ADMIN, PASSWORD)
        yield connection
        connection.unbind_s()


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(5)
        return connection.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def entry(dn: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """One entry as LDIF; every value is base64, whatever is in it (RFC 2849)."""
    lines = [f"dn:: {_base64(dn)}"]
    for name, given in values.items():
        values_given = [given] if isinstance(given, str) else given
        lines.extend(f"{name}:: {_base64(value)}" for value in values_given)
    return "\n".join([*lines, "", ""])


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def tree() -> str:
    """The branches, and the account that reads."""
    return "".join(
        [
            entry(SUFFIX, {"objectClass": ["dcObject", "organization"], "dc": "example", "o": "Example"}),
            entry(f"ou=people,{SUFFIX}", {"objectClass": "organizationalUnit", "ou": "people"}),
            entry(f"ou=groups,{SUFFIX}", {"objectClass": "organizationalUnit", "ou": "groups"}),
            entry(
                READER,
                {
                    "objectClass": ["organizationalRole", "simpleSecurityObject"],
                    "cn": "daypass",
                    "userPassword": PASSWORD,
                },
            ),
        ]
    )


@contextmanager
def running(folder: Path, authority: Authority, entries: str, *, size: str = "unlimited") -> Iterator[Slapd]:
    """A server with these entries.

    Args:
        size: How many entries the account that reads gets, in all pages together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir()
    (folder / "keys.schema").write_text(KEYS)
    certificate, key = authority.issue(folder, "127.0.0.1", "localhost")
    (folder / "slapd.conf").write_text(f"""
include {SCHEMAS}/core.schema
include {SCHEMAS}/cosine.schema
include {SCHEMAS}/inetorgperson.schema
include {SCHEMAS}/nis.schema
include {folder}/keys.schema
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {authority.file}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
suffix "{SUFFIX}"
rootdn "{ADMIN}"
rootpw "{PASSWORD}"
directory {folder}/data
dbnosync
index objectClass eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{READER}" read by * none
limits dn.exact="{READER}" size={size}
""")
    server = Slapd(folder, free_port(), free_port(), authority)
    server.load(tree() + entries)
    server.start()
    try:
        yield server
    finally:
        server.kill()
