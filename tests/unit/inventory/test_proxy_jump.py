from __future__ import annotations

import pytest

from daypass.inventory.problems import FieldRefused
from daypass.inventory.proxy_jump import Jump, check_jump, parse_jump


@pytest.mark.parametrize(
    ("text", "jump"),
    [
        ("bastion", Jump("bastion")),
        ("apono@bastion.example.com:2222", Jump("bastion.example.com", "apono", 2222)),
        ("10.0.0.1:22", Jump("10.0.0.1", None, 22)),
        ("apono@[2001:db8::1]:2222", Jump("2001:db8::1", "apono", 2222)),
        ("[::1]", Jump("::1")),
    ],
)
def test_jump_is_taken_apart(text, jump):
    """`[user@]host[:port]`; an IPv6 address stands in brackets."""
    assert check_jump(text) == text
    assert parse_jump(text) == jump


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@bastion",
        "a@",
        "a:b@bastion",
        "bastion:",
        "bastion:0",
        "bastion:x",
        "a,b",
        "::1",
        "[::1",
        "[]",
        "[bastion]",
        "[fe80::1%eth0]",
        "-oProxyCommand=x",
        "ssh://bastion",
        "a@b@c",
        "bastion:22:22",
        "a b",
        "none\n",
    ],
)
def test_other_forms_are_refused(text):
    """More than one hop, URLs and everything that could be an option of ssh."""
    with pytest.raises(FieldRefused):
        check_jump(text)
