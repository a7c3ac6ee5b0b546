"""Signing: round trips through the real ssh-keygen, and everything that must be noticed after signing."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.ca.keys import generate_ca_key
from daypass.ca.public_keys import blob_of, check_public_key
from daypass.ca.signer import LocalSigner, sign_checked
from daypass.ca.spec import KNOWN_EXTENSIONS, MAX_SERIAL, build_spec
from daypass.domain.certificates import CertificateSpec
from daypass.domain.windows import Window
from daypass.errors import SigningError

from .conftest import (
    ALL_TYPES,
    GRANT_ID,
    NOW,
    needs_ssh_keygen,
    run_ssh_keygen,
    sk_ed25519_line,
    write_certificate,
)

CA_KINDS = ("ed25519", "ecdsa", "rsa")


@pytest.fixture(scope="session")
def signers() -> dict[str, LocalSigner]:
    return {kind: LocalSigner(generate_ca_key(kind)) for kind in CA_KINDS}


class LyingSigner:
    """Signs another spec than the one it was asked for, or gives back altered text."""

    def __init__(self, signer: LocalSigner, *, spec=lambda spec: spec, text=lambda text: text) -> None:
        self._signer, self._spec, self._text = signer, spec, text
        self.public_key = signer.public_key

    def sign(self, spec: CertificateSpec) -> str:
        return self._text(self._signer.sign(self._spec(spec)))


@needs_ssh_keygen
@pytest.mark.parametrize("kind", CA_KINDS)
@pytest.mark.parametrize("name", ALL_TYPES)
def test_ssh_keygen_reads_every_field_as_wanted(make_spec, signers, name, kind, tmp_path, monkeypatch):
    """Each kind of key under each kind of CA key, field by field, as OpenSSH itself reads it."""
    monkeypatch.setenv("TZ", "UTC")
    options = {"source-address": "10.0.0.0/8", "force-command": "/usr/bin/uptime"}
    extensions = ("permit-pty", "permit-port-forwarding")
    spec = make_spec(name, serial=MAX_SERIAL, critical_options=options, extensions=extensions)
    text = sign_checked(signers[kind], spec)
    shown = run_ssh_keygen("-L", "-f", str(write_certificate(tmp_path, text)))
    lines = [line.strip() for line in shown.splitlines()]
    assert re.fullmatch(r"Type: \S+-cert-v01@openssh.com user certificate", lines[1])
    assert lines[2].endswith(check_public_key(spec.public_key).fingerprint)
    ca = check_public_key(signers[kind].public_key)
    algorithm = "rsa-sha2-512" if kind == "rsa" else ca.type
    assert re.search(rf"{re.escape(ca.fingerprint)} \(using {algorithm}\)$", lines[3])
    assert lines[4:] == [
        f'Key ID: "daypass user=alice grant={GRANT_ID} flow=direct"',
        f"Serial: {MAX_SERIAL}",
        "Valid: from 2026-11-22T08:59:00 to 2026-11-22T11:00:00",
        "Principals:",
        f"daypass-{GRANT_ID}-1",
        "Critical Options:",
        "force-command /usr/bin/uptime",
        "source-address 10.0.0.0/8",
        "Extensions:",
        "permit-port-forwarding",
        "permit-pty",
    ]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("serial", {"serial": 8}),
        ("key id", {"key_id": "daypass user=bob grant=01JD flow=direct"}),
        ("principals", {"principal": "daypass-01JD-2"}),
        ("valid after", {"valid_after": NOW - timedelta(days=1)}),
        ("valid before", {"valid_before": NOW + timedelta(days=1)}),
        ("critical options", {"critical_options": {"force-command": "/bin/sh"}}),
        ("extensions", {"extensions": ("permit-pty", "permit-agent-forwarding")}),
        ("public key", {"public_key": None}),
    ],
)
@pytest.mark.parametrize("name", ["ed25519", "sk-ed25519"])
def test_signer_that_signs_another_field_is_found_out(make_spec, signer, name, field, change):
    """A certificate leaves only if every field is the one asked for; the error names the field."""
    if "public_key" in change:
        other = check_public_key(LocalSigner(generate_ca_key()).public_key).line
        change = {"public_key": other if name == "ed25519" else sk_ed25519_line()}
    lying = LyingSigner(signer, spec=lambda spec: replace(spec, **change))
    with pytest.raises(SigningError, match=field) as caught:
        sign_checked(lying, make_spec(name))
    assert caught.value.code == "certificate_mismatch"


def test_key_of_another_type_is_found_out(make_spec, signer):
    """A plain key signed in place of the token's would work without the token."""
    lying = LyingSigner(signer, spec=lambda _spec: make_spec("ed25519"))
    with pytest.raises(SigningError, match="type"):
        sign_checked(lying, make_spec("sk-ed25519"))


def test_another_ca_is_found_out(make_spec, signer):
    """Only the CA that the servers trust counts, not the one that a certificate names."""
    lying = LyingSigner(LocalSigner(generate_ca_key()))
    lying.public_key = signer.public_key
    with pytest.raises(SigningError, match="CA key"):
        sign_checked(lying, make_spec())


def _flip(text: str, position: int) -> str:
    key_type, encoded = text.split(" ")
    body = bytearray(base64.b64decode(encoded))
    body[position] ^= 1
    return f"{key_type} {base64.b64encode(body).decode()}"


@pytest.mark.parametrize("kind", CA_KINDS)
def test_broken_signature_is_found_out(make_spec, signers, kind):
    """All fields right, the signature not: refused."""
    lying = LyingSigner(signers[kind], text=lambda text: _flip(text, -1))
    with pytest.raises(SigningError) as caught:
        sign_checked(lying, make_spec())
    assert caught.value.code == "certificate_signature"


def test_host_certificate_is_found_out(make_spec, signer):
    """The kind is part of what is compared: uint32 before the key id."""
    key_id_at = base64.b64decode(signer.sign(make_spec()).split(" ")[1]).index(b"daypass user=")
    lying = LyingSigner(signer, text=lambda text: _set_byte(text, key_id_at - 5, 2))
    with pytest.raises(SigningError, match="kind"):
        sign_checked(lying, make_spec())


def _set_byte(text: str, position: int, value: int) -> str:
    key_type, encoded = text.split(" ")
    body = bytearray(base64.b64decode(encoded))
    body[position] = value
    return f"{key_type} {base64.b64encode(body).decode()}"


@given(st.data())
def test_any_single_flipped_bit_is_found_out(make_checked, data):
    """There is no byte in a certificate that may differ."""
    signer, spec, text = make_checked
    length = len(base64.b64decode(text.split(" ")[1]))
    position = data.draw(st.integers(0, length - 1))
    with pytest.raises(SigningError):
        sign_checked(LyingSigner(signer, text=lambda text: _flip(text, position)), spec)


@pytest.fixture(scope="session")
def make_checked(public_lines):
    """(signer, spec, certificate) made once for all examples."""
    signer = LocalSigner(generate_ca_key())
    window = Window(NOW, NOW + timedelta(hours=2))
    spec = build_spec(
        public_key=check_public_key(public_lines["ed25519"]), serial=1, login="alice", grant_id=GRANT_ID,
        flow="direct", number=1, window=window,
    )  # fmt: skip
    return signer, spec, sign_checked(signer, spec)


@pytest.mark.parametrize(
    "text", ["", "x", "ssh-ed25519-cert-v01@openssh.com AAAA", "a b c", "ssh-ed25519 AAAA"]
)
def test_signer_that_gives_no_certificate_is_found_out(make_spec, signer, text):
    """Whatever a signer answers, only a certificate gets through."""
    with pytest.raises(SigningError) as caught:
        sign_checked(LyingSigner(signer, text=lambda _text: text), make_spec())
    assert caught.value.code == "certificate_unreadable"


def test_public_key_itself_is_no_certificate(make_spec, signer):
    """A signer that hands the key back hasn't signed it."""
    spec = make_spec()
    with pytest.raises(SigningError):
        sign_checked(LyingSigner(signer, text=lambda _text: spec.public_key), spec)


def test_spec_outside_the_profile_is_never_signed(make_spec, signer):
    """Check everything before signing: a spec that nobody built with build_spec is checked too."""

    class NeverAsked:
        public_key = signer.public_key

        def sign(self, _spec: CertificateSpec) -> str:
            raise AssertionError("it was asked to sign")

    with pytest.raises(SigningError) as caught:
        sign_checked(NeverAsked(), replace(make_spec(), principal="root"))
    assert caught.value.code == "spec_principal"


def test_two_certificates_of_one_spec_differ(make_spec, signer):
    """Each has its own nonce."""
    assert sign_checked(signer, make_spec()) != sign_checked(signer, make_spec())


words = st.from_regex(r"[A-Za-z0-9_.@+-]{1,64}", fullmatch=True)


@given(
    serial=st.integers(1, MAX_SERIAL),
    login=words,
    flow=words,
    grant_id=st.from_regex(r"[A-Za-z0-9]{1,40}", fullmatch=True),
    number=st.integers(1, 999_999),
    length=st.integers(1, 10**9),
    extensions=st.sets(st.sampled_from(sorted(KNOWN_EXTENSIONS))),
    command=st.none() | st.from_regex(r"/[!-~ ]{1,200}", fullmatch=True),
    name=st.sampled_from(ALL_TYPES),
)
def test_every_spec_inside_the_profile_is_signed_and_stands_the_check(
    public_lines, make_checked, serial, login, flow, grant_id, number, length, extensions, command, name
):
    """What the profile allows can be signed; sign_checked itself compares and verifies."""
    spec = build_spec(
        public_key=check_public_key(public_lines[name]), serial=serial, login=login, grant_id=grant_id,
        flow=flow, number=number, window=Window(NOW, NOW + timedelta(seconds=length)),
        critical_options={} if command is None else {"force-command": command}, extensions=tuple(extensions),
    )  # fmt: skip
    text = sign_checked(make_checked[0], spec)
    key_type = blob_of(text)[4:].split(b"\x00", 1)[0]
    assert text.startswith(key_type.decode())
