"""Impression tokens: what was signed is known again, by any process with the secret, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.gateway.refusals import Refusal
from agents.gateway.tokens import HOLDS_S, Tokens

SECRET = b"a secret of sixteen bytes"
ids = st.text(min_size=1, max_size=20)


@given(ids, ids, st.from_regex(r"[0-9a-f]{1,4}-[0-9a-f]{16}", fullmatch=True), st.integers(0, 500))
def test_what_was_signed_is_known_again_by_another_process(user, video, batch, position):
    token = Tokens(SECRET).sign(user, video, batch, position, 1_000)
    assert Tokens(SECRET).check(token, user, video, 1_000 + HOLDS_S) == (batch, position)


def refused(token: str, user: str = "ann", video: str = "cat", now_s: int = 1_000) -> str:
    with pytest.raises(Refusal) as found:
        Tokens(SECRET).check(token, user, video, now_s)
    assert found.value.status == 403
    return found.value.code


def test_what_is_forged_of_another_or_too_old_is_refused():
    token = Tokens(SECRET).sign("ann", "cat", "1-a", 3, 1_000)
    assert refused(token, user="bob") == "token"
    assert refused(token, video="dog") == "token"
    assert refused(token, now_s=1_001 + HOLDS_S) == "token_old"
    assert refused(Tokens(b"another secret of ours").sign("ann", "cat", "1-a", 3, 1_000)) == "token"
    later = token.replace(token.split(".")[0], f"{10**9:x}", 1)
    assert refused(later) == "token"
    for wrong in ("", ".", "...", token[:-1], "é", token + "=", "1.2.3"):
        assert refused(wrong) == "token"


def test_without_a_secret_nothing_is_signed():
    assert Tokens().sign("ann", "cat", "1-a", 3, 1_000) is None


def test_two_ids_that_run_into_each_other_do_not_share_a_token():
    token = Tokens(SECRET).sign("ab", "c", "1-a", 0, 0)
    assert refused(token, "a", "bc", 0) == "token"
