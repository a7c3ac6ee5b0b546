"""An account from before gets what a grant gives, and is afterwards exactly what it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.accounts.managed_host import Person, absent, account, grant
from tests.integration.joining.conftest import BOB, JANE, Host, make_key, public, with_own_key
from tests.waiting import LIMIT_SECONDS, wait_for

ID_ONLY = [{"run_as": "root", "commands": ["/usr/bin/id"]}]
DROPIN = "/etc/ssh/sshd_config.d/90-x.conf"
FULL = {"groups": ["team", "hers"], "sudo": ID_ONLY}


def test_what_was_there_comes_back_exactly(host: Host, own: Person, granted: Person):
    """Certificate, groups and sudo come and go; account files, home, jobs, own rights, sshd are as before."""
    before, sshd_before = host.files(), host.sshd_of_all()
    answer = host.join(grant("G1", **FULL))
    assert (answer["state"], answer["grants"]) == ("active", ["G1"])
    assert granted.gets_in()
    assert own.gets_in()
    longer = {**grant("G1", seconds=7200, **FULL), "principals": ["daypass-G1-1", "daypass-G1-2"]}
    answer = host.join(longer)  # extended, and signed for another key
    assert (answer["state"], answer["refused"]) == ("active", {})
    assert set(granted.ssh("id", "-Gn").stdout.split()) == {"jane", "team", "hers", "daypass-join"}
    assert granted.ssh("sudo", "-n", "/usr/bin/id", "-u").stdout.strip() == "0"
    assert own.ssh("sudo", "-n", "/usr/bin/whoami").stdout.strip() == "root"
    during = host.sshd_of_all()
    keys = "authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2"
    assert during.pop("jane") == sshd_before["jane"].replace(keys, f"{keys} /etc/ssh/daypass/keys/%u")
    assert during == {login: text for login, text in sshd_before.items() if login != "jane"}
    files = host.files()
    assert {name for name in files if files[name] != before[name]} == {"group", "gshadow", "sudo"}

    answer = host.join()
    assert (answer["state"], answer["grants"]) == ("closed", [])
    assert answer["joined"]["own_keys"] == answer["joined"]["own_keys_after"] != "none"
    assert host.files() == before
    assert host.sshd_of_all() == sshd_before
    assert own.gets_in()
    assert not granted.gets_in()
    host.join(remove=True)
    assert host.files() == before
    assert "jane" not in host.ledger()["accounts"]
    assert 1501 not in [one["uid"] for one in host.ledger()["retired"]]


def test_only_sessions_of_our_certificates_end(host: Host, own: Person, granted: Person):
    """Her own session lives on, begun before or while we gave access; ours ends with all that it left."""
    earlier = own.stay("sleep", "701")
    host.sh("until pgrep -f '^sleep 701'; do sleep 0.1; done")
    host.join(grant("G1", sudo=ID_ONLY))
    meanwhile = own.stay("sleep", "702")
    ours = granted.stay("sleep", "703")
    left = granted.ssh("setsid -f sleep 704 >/dev/null 2>&1")
    assert left.returncode == 0
    host.sh('for n in 702 703 704; do until pgrep -f "^sleep $n"; do sleep 0.1; done; done')
    # A person can write what she likes into the log, and names her session her own.
    host.run("su", "jane", "-c", forged(host, "703", "ED25519 SHA256:AAAA"))
    host.run("su", "bob", "-c", forged(host, "702", OURS))
    host.join(absent("G1"))
    ours.communicate(timeout=LIMIT_SECONDS)
    running = host.sh("pgrep -af '^sleep 70'", check=False)
    assert "sleep 701" in running
    assert "sleep 702" in running
    assert "sleep 703" not in running
    assert "sleep 704" not in running
    assert earlier.poll() is None
    assert meanwhile.poll() is None
    for process in (earlier, meanwhile):
        process.kill()
        process.communicate()


LEADER = """p=$(pgrep -f '^sleep {seconds}')
until grep -q '\\[priv\\]' /proc/$p/cmdline; do p=$(awk '/^PPid/ {{print $2}}' /proc/$p/status); done
echo $p"""
OURS = "ED25519-CERT SHA256:x ID daypass user=jane grant=G1 flow=x (serial 1) CA ED25519 SHA256:x"
FORGED = "Accepted publickey for jane from 127.0.0.1 port 1 ssh2: "


def forged(host: Host, seconds: str, what: str) -> str:
    """A command that logs what sshd would have said of the session that sleeps so long."""
    leader = host.sh(LEADER.format(seconds=seconds)).strip()
    return f"logger -t sshd --id={leader} -p auth.info '{FORGED}{what}'"


def test_no_process_keeps_a_group_that_we_gave(host: Host, own: Person):
    """A running process keeps its groups, so her own session that got one through us ends with it."""
    earlier = own.stay("sleep", "705")
    host.sh("until pgrep -f '^sleep 705'; do sleep 0.1; done")
    host.join(grant("G1", groups=["team"]))
    meanwhile = own.stay("sleep", "706")
    host.sh("until pgrep -f '^sleep 706'; do sleep 0.1; done")
    host.sh("echo '# one more' >> /home/jane/.ssh/authorized_keys")
    answer = host.join()
    assert answer["joined"]["own_keys"] != answer["joined"]["own_keys_after"]
    assert "the authorized_keys of jane changed while access lasted" in answer["warnings"]
    meanwhile.communicate(timeout=LIMIT_SECONDS)
    assert earlier.poll() is None
    earlier.kill()
    earlier.communicate()


def test_hosts_own_ca_and_revoked_keys_stay(host: Host, own: Person, granted: Person, tmp_path: Path):
    """A certificate of the host's own CA opens the account as before; a revoked key is refused as before."""
    theirs = make_key(tmp_path / "their_ca")
    key, revoked = make_key(tmp_path / "theirs"), make_key(tmp_path / "revoked")
    sign = ["ssh-keygen", "-q", "-s", str(theirs), "-I", "x", "-n", "jane", "-V", "-1m:+1h"]
    subprocess.run([*sign, str(key.with_suffix(".pub"))], check=True, capture_output=True)
    host.sh(f"echo '{public(theirs)}' > /etc/ssh/their_ca.pub; echo '{public(revoked)}' > /etc/ssh/revoked")
    host.sh(f"echo '{public(revoked)}' >> /home/jane/.ssh/authorized_keys")
    host.sh(
        "printf 'TrustedUserCAKeys /etc/ssh/their_ca.pub\\nRevokedKeys /etc/ssh/revoked\\n' "
        "> /etc/ssh/sshd_config.d/90-theirs.conf; pkill -HUP -o -x sshd"
    )
    their_way, revoked_way = Person(host, "jane", key), Person(host, "jane", revoked)
    assert wait_for(their_way.gets_in)  # sshd has read its settings anew
    assert not revoked_way.gets_in()
    assert host.join(grant("G1"))["state"] == "active"
    assert granted.gets_in()
    assert their_way.gets_in()
    assert not revoked_way.gets_in()
    host.sh(f"echo '{public(granted.key)}' >> /etc/ssh/revoked")
    assert not granted.gets_in()


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        ("usermod -L jane", "account_locked", ""),
        ("usermod -p '$6$x$y' jane && usermod -L jane", "account_locked", "locked"),
        ("chage -E 1 jane", "account_expired", ""),
        ("chage -d 0 jane", "password_expired", ""),
        ("usermod -u 1777 jane", "uid_differs", "1777"),
        ("usermod -s /usr/sbin/nologin jane", "shell_not_listed", ""),
        ("gpasswd -a jane daypass-join", "old_rights", "daypass-join"),
        (
            "printf 'Match User jane\\n AuthorizedKeysFile /srv/%%u\\n' > " + DROPIN,
            "sshd_overridden",
            "90-x.conf:2",
        ),
        (
            "printf 'Match Address 10.0.0.0/8\\n AuthorizedKeysFile /srv/%%u\\n' > " + DROPIN,
            "sshd_overridden",
            "90-x.conf:2",
        ),
        ("echo 'DenyUsers jane' > " + DROPIN, "sshd_overridden", "DenyUsers"),
        ("echo 'AllowGroups sudo' > " + DROPIN, "sshd_overridden", "AllowGroups"),
        ("echo 'LogLevel QUIET' > " + DROPIN, "sshd_overridden", "LogLevel"),
        ("sed -i /^team:/d /etc/gshadow", "group_inconsistent", "team"),
    ],
)
def test_account_that_cant_be_joined_is_left_as_it_is(host: Host, script: str, code: str, says: str):
    """Refused with the reason, and nothing of it was changed."""
    host.sh("usermod -p '*' jane")
    host.sh(script)
    before = host.files()
    answer = host.join(grant("G1", groups=["team"]))
    assert (answer["state"], answer["code"]) == ("refused", code), answer
    assert says in answer["message"]
    assert host.files() == before
    assert "jane" not in host.ledger()["accounts"]
    host.sh("grep -q ^team: /etc/gshadow || grpconv")


def test_connector_is_never_joined(host: Host):
    """Whoever comes in to repair things isn't touched by a document that names him."""
    before = host.files()
    answer = host.join(grant("G1"), name="apono", uid=int(host.run("id", "-u", "apono")))
    assert (answer["state"], answer["code"]) == ("refused", "name_reserved")
    assert host.files() == before


def test_mark_taken_away_closes_what_we_gave(host: Host, own: Person, granted: Person):
    """Somebody takes her out of daypass-join: closed and reported, not quietly repaired."""
    before = host.files()
    host.join(grant("G1", **FULL))
    host.run("gpasswd", "-d", "jane", "daypass-join")
    for _run in range(2):
        answer = host.join(grant("G1", **FULL))
        assert (answer["state"], answer["code"], answer["grants"]) == ("refused", "membership_lost", [])
    assert host.files() == before
    assert not granted.gets_in()
    assert own.gets_in()
    assert host.join(grant("G2"))["grants"] == ["G2"]


def test_account_that_is_gone_or_another_is_forgotten(host: Host):
    """Whoever has the name now keeps what isn't ours; the ledger keeps nothing, the uid isn't retired."""
    host.join(grant("G1", groups=["team"]))
    host.sh("usermod -u 1777 jane")
    answer = host.join(absent("G1"))
    assert "it was forgotten" in answer["warnings"][0]
    assert host.state_of("jane")["groups"] == {"jane", "hers"}
    assert host.state_of("jane")["keys"] == ""
    assert "jane" not in host.ledger()["accounts"]
    assert host.ledger()["retired"] == []
    assert host.join(remove=True)["state"] == "absent"


def test_only_the_owner_s_word_changes_whose_it_is(host: Host):
    """A document that takes a joined account for ours, or ours for one to be joined, changes nothing."""
    host.join(grant("G1"))
    answer = host.send(account("jane", 70007, grant("G1"), grant("G2")))["answer"]["answer"]["accounts"][
        "jane"
    ]
    assert (answer["code"], answer["grants"]) == ("account_joined", ["G1"])
    host.join()
    host.join(remove=True)
    host.send(account("bobby", 70009, grant("G3")))
    answer = host.join(grant("G3"), grant("G4"), uid=BOB, name="bobby")
    assert (answer["code"], answer["grants"]) == ("account_ours", ["G3"])
    assert host.state_of("bobby")["exists"]
    host.forget("bobby")


def test_host_closes_what_it_joined_by_itself(host: Host, own: Person, granted: Person):
    """The local deadline needs no controller, and leaves her own sessions alone."""
    before = host.files()
    earlier = own.stay("sleep", "707")
    host.sh("until pgrep -f '^sleep 707'; do sleep 0.1; done")
    host.join(grant("G1", **FULL), program=True)
    ours = granted.stay("sleep", "708")
    host.sh("until pgrep -f '^sleep 708'; do sleep 0.1; done")
    room = host.room(account("jane", JANE, grant("G1", **FULL), existing="join"))
    soon = grant("G1", seconds=room, **FULL)
    host.join(soon, program=True)
    host.sh("while pgrep -f '^sleep 708'; do sleep 0.2; done; exit 0", check=False)
    ours.communicate(timeout=LIMIT_SECONDS)
    host.sh("until ! test -e /etc/ssh/daypass/keys/jane; do sleep 0.2; done")
    assert wait_for(lambda: host.ledger()["accounts"]["jane"]["grants"] == {})
    assert host.files() == before
    assert earlier.poll() is None
    ended = f"grant G1 ended at {soon['not_after']}"
    assert wait_for(lambda: ended in host.run("journalctl", "-t", "daypass", "-o", "cat"))
    earlier.kill()
    earlier.communicate()


def test_host_without_a_log_joins_only_where_all_sessions_may_end(host_without_log: Host, tmp_path: Path):
    """Nobody can tell there which session is ours: refused by default, or all of hers end."""
    own = with_own_key(host_without_log, tmp_path)
    assert host_without_log.join(grant("G1"))["code"] == "join_no_log"
    earlier = own.stay("sleep", "709")
    host_without_log.sh("until pgrep -f '^sleep 709'; do sleep 0.1; done")
    assert host_without_log.join(grant("G1"), join_without_log="end_all")["state"] == "active"
    assert host_without_log.join(join_without_log="end_all")["state"] == "closed"
    earlier.communicate(timeout=LIMIT_SECONDS)
    assert own.gets_in()


@pytest.mark.parametrize("ending", [False, True], ids=["opening", "closing"])
def test_killed_anywhere_the_next_run_ends_right(host: Host, ending: bool):
    """At every effect of an opening and of a closing; what was there before is there afterwards."""
    wish = account("jane", JANE, grant("G1", **FULL), existing="join")
    gone = account("jane", JANE, existing="join")
    start = [host.document(wish)] if ending else []
    document = host.document(gone if ending else wish)
    found = host.kill_loop(
        people={"jane": JANE}, start=start, killed=document, next=[document], expect="same", inside_step=0
    )
    assert found["failures"] == []
    assert found["kills"] >= 8
