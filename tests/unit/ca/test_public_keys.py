"""Which public keys are signed, and why the others aren't."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from daypass.ca.public_keys import ACCEPTED_TYPES, MAX_CHARACTERS, PublicKeyRefused, check_public_key
from daypass.ca.signer import LocalSigner, sign_checked
from daypass.ca.wire import mpint, string

from .conftest import ALL_TYPES, KEYGEN_TYPES, line_of, needs_ssh_keygen, run_ssh_keygen, sk_ed25519_line


def refusal(text: str) -> str:
    with pytest.raises(PublicKeyRefused) as caught:
        check_public_key(text)
    assert caught.value.sentence
    assert caught.value.hint
    return caught.value.code


def rsa_line(bits: int) -> str:
    key = generate_private_key(public_exponent=65537, key_size=bits).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize("name", ALL_TYPES)
def test_accepted_type_keeps_type_and_key_and_drops_the_comment(public_lines, name):
    """What is signed is `TYPE BASE64` exactly as given; the comment is the owner's affair."""
    key = check_public_key(public_lines[name])
    assert key.line == " ".join(public_lines[name].split()[:2])
    assert key.type == key.line.split()[0]
    assert key.comment == ("alice@laptop" if name in KEYGEN_TYPES else "")


@needs_ssh_keygen
@pytest.mark.parametrize("name", ALL_TYPES)
def test_fingerprint_is_the_one_that_ssh_keygen_prints(public_lines, name, tmp_path):
    """People compare fingerprints by eye."""
    (tmp_path / "key.pub").write_text(public_lines[name].strip() + "\n")
    assert check_public_key(public_lines[name]).fingerprint in run_ssh_keygen(
        "-l", "-f", str(tmp_path / "key.pub")
    )


def test_private_key_is_refused_without_showing_it():
    """A private key never goes on, and not a character of it into a message."""
    pem = (
        Ed25519PrivateKey.generate()
        .private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        .decode()
    )
    with pytest.raises(PublicKeyRefused) as caught:
        check_public_key(pem)
    assert caught.value.code == "public_key_is_private"
    assert not any(line in str(caught.value) + caught.value.hint for line in pem.splitlines()[1:-1])


def test_putty_private_key_is_refused_as_private():
    """PuTTY's files hold the private key under another head line."""
    assert refusal("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n") == "public_key_is_private"


def test_dsa_is_refused():
    """1024 bits are too weak, whatever the key."""
    assert refusal(line_of(b"ssh-dss", mpint(23) + mpint(11) + mpint(4) + mpint(8))) == "public_key_dsa"


@pytest.mark.parametrize("bits", [1024, 2048])
def test_short_rsa_is_refused(bits):
    """RSA begins at 3072 bits."""
    assert refusal(rsa_line(bits)) == "public_key_rsa_too_short"


def test_certificate_is_refused(make_spec, signer: LocalSigner):
    """A certificate is no key: what it allows elsewhere must not be mixed in."""
    assert refusal(sign_checked(signer, make_spec())) == "public_key_is_certificate"


@pytest.mark.parametrize("options", ["no-pty", 'command="ls -l"', "restrict,cert-authority"])
def test_options_in_front_are_refused(public_lines, options):
    """A line of an authorized_keys file is not a public key."""
    assert refusal(f"{options} {public_lines['ed25519']}") == "public_key_has_options"


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1e", "\x85", "\u2028"])
def test_second_line_is_refused(public_lines, separator):
    """Exactly one key in one line, whatever counts as a line's end."""
    assert refusal(public_lines["ed25519"].strip() + separator + "x") == "public_key_several_lines"


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\t"])
def test_control_character_is_refused(public_lines, character):
    """The line may be shown on a terminal."""
    assert refusal(public_lines["ed25519"].strip() + character) == "public_key_malformed"


def test_oversize_is_refused_before_it_is_read(public_lines):
    """Nothing of that size is a key."""
    assert refusal(public_lines["ed25519"].strip() + "x" * MAX_CHARACTERS) == "public_key_too_large"


@pytest.mark.parametrize("text", ["", "\n", "  "])
def test_empty_is_refused(text):
    """A missing key has its own reason."""
    assert refusal(text) == "public_key_missing"


@pytest.mark.parametrize(
    "text", ["hello", "ssh-ed25518 AAAA", " ssh-ed25519 AAAA", "SSH-ED25519 AAAA", "-rf /"]
)
def test_unknown_type_is_refused(text):
    """A type is written exactly or it isn't that type."""
    assert refusal(text) in ("public_key_type_unknown", "public_key_has_options")


@pytest.mark.parametrize("key_type", ACCEPTED_TYPES)
@pytest.mark.parametrize("encoded", ["", "!!!", "AAAA", "AAAAC3NzaC1lZDI1NTE5", "ssh-ed25519"])
def test_known_type_with_garbage_behind_is_refused(key_type, encoded):
    """The type in front proves nothing."""
    assert refusal(f"{key_type} {encoded}") == "public_key_malformed"


def test_type_inside_differs_from_the_one_in_front(public_lines):
    """The type is in there twice; both must agree."""
    encoded = public_lines["ed25519"].split()[1]
    assert refusal(f"sk-ssh-ed25519@openssh.com {encoded}") == "public_key_malformed"


@pytest.mark.parametrize("change", ["double space", "no padding", "extra padding", "bytes behind", "cut"])
def test_second_way_to_write_the_same_key_is_refused(public_lines, change):
    """One key has one line, so that comparing lines compares keys."""
    key_type, encoded = public_lines["ecdsa-384"].split()[:2]
    blob = base64.b64decode(encoded)
    changed = {
        "double space": f"{key_type}  {encoded}",
        "no padding": f"{key_type} {base64.b64encode(blob + b'x').decode().rstrip('=')}",
        "extra padding": f"{key_type} {encoded}=",
        "bytes behind": f"{key_type} {base64.b64encode(blob + b'abc').decode()}",
        "cut": f"{key_type} {base64.b64encode(blob[:-3]).decode()}",
    }
    assert refusal(changed[change]) == "public_key_malformed"


def test_rsa_number_with_leading_zeros_is_refused():
    """A number that isn't in its shortest form is a second way to write the same key."""
    number = generate_private_key(public_exponent=65537, key_size=3072).public_key().public_numbers().n
    padded = string(b"\x00\x00" + number.to_bytes(384, "big"))
    assert refusal(line_of(b"ssh-rsa", mpint(65537) + padded)) == "public_key_malformed"


def test_security_token_key_for_a_web_site_is_refused():
    """A token's key is for SSH only where its application says `ssh:`."""
    assert refusal(sk_ed25519_line(application=b"https://example.com")) == "public_key_malformed"


@given(
    st.text(max_size=200)
    | st.sampled_from(ACCEPTED_TYPES).flatmap(lambda t: st.text().map(lambda s: f"{t} {s}"))
)
def test_any_text_is_refused_with_a_reason(text):
    """Whatever comes in, what goes out is a refusal of ours."""
    assert refusal(text).startswith("public_key_")


@given(st.binary(max_size=120), st.sampled_from(ACCEPTED_TYPES))
def test_any_bytes_behind_a_known_type_are_refused_with_a_reason(blob, key_type):
    """Broken bytes inside never become an error that isn't ours."""
    assert refusal(line_of(key_type.encode(), blob)).startswith("public_key_")
