"""Access: whose key it is, what it may do, how often; nothing of a key is told to anybody."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agents.errors import BadSettings
from agents.gateway.access import OPEN, Access, Key, read_keys
from agents.gateway.refusals import Refusal


def key(name: str = "app", told: str = "secret", **more: object) -> Key:
    given: dict[str, object] = {"roles": ["produce", "read"], **more}
    return Key(name=name, sha256=hashlib.sha256(told.encode()).hexdigest(), **given)  # type: ignore[arg-type]


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def refused(call, *args, **kwargs) -> Refusal:
    with pytest.raises(Refusal) as found:
        call(*args, **kwargs)
    return found.value


def test_without_keys_everybody_may_do_everything():
    access = Access()
    assert access.open
    assert access.admit(None, "operate") is OPEN
    access.spend(OPEN, requests=10**9, events=10**9)


def test_a_key_may_do_what_its_roles_say():
    access = Access([key(), key("ops", "other", roles=["operate"])])
    assert access.admit("Bearer secret", "read").name == "app"
    assert access.admit("bearer other", "operate").name == "ops"
    assert refused(access.admit, "Bearer secret", "operate").status == 403


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic secret", "secret", "Bearer wrong", "Bearer é"]
)
def test_whoever_has_no_known_key_is_told_401(header):
    found = refused(Access([key()]).admit, header, "read")
    assert found.status == 401
    assert "secret" not in found.message


def test_a_limit_lets_two_seconds_worth_through_at_once_and_says_when_there_is_room():
    clock = Clock()
    access, app = Access([key()], clock), key(requests_per_s=10.0)
    for _ in range(20):
        access.spend(app, requests=1)
    found = refused(access.spend, app, requests=1)
    assert (found.status, found.retry_s) == (429, 0.1)
    clock.now_s += 0.11
    access.spend(app, requests=1)
    assert refused(access.spend, app, requests=1).status == 429


def test_more_than_fits_at_once_is_let_through_once_and_paid_back():
    clock = Clock()
    access, app = Access([key()], clock), key(events_per_s=100.0)
    access.spend(app, events=1_000)
    assert refused(access.spend, app, events=1).retry_s == pytest.approx(8.1)
    clock.now_s += 8.2
    access.spend(app, events=1)


def test_keys_are_read_from_a_file(tmp_path: Path):
    file = tmp_path / "keys.toml"
    file.write_text(f'[[key]]\nname = "app"\nsha256 = "{key().sha256}"\nroles = ["read"]\nrequests_per_s = 5\n')
    (found,) = read_keys(str(file))
    assert (found.name, found.roles, found.requests_per_s) == ("app", ["read"], 5.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("[[key]\n", "is no file of keys"),
        ("", "is no file of keys"),
        ("key = []\n", "has no key"),
        ('[[key]]\nname = "a"\nsha256 = "xyz"\nroles = []\n', "is no SHA-256"),
        ('[[key]]\nname = "a"\nsha256 = "00"\nroles = ["rule"]\n', "Invalid enum value 'rule'"),
        ('[[key]]\nname = "a"\nkey = "plain"\nroles = []\n', "is no file of keys"),
    ],
)
def test_a_file_that_is_none_is_named_with_the_reason(tmp_path: Path, text, says):
    file = tmp_path / "keys.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadSettings, match=says) as found:
        read_keys(str(file))
    assert "FEEDSTREAM_GATEWAY_KEYS" in str(found.value)
