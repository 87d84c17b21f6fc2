"""``feedstream control``: workers' own code judges what is set; what is set is what is read."""

from __future__ import annotations

import pytest

from agents.embedded import Embedded
from agents.producer import RecordProducer


def test_what_is_set_is_read_until_it_is_unset(ground: Embedded, ask) -> None:
    done = ask("control", "set", "tuning.slate.fresh", "0.2")
    assert (done.code, done.out, done.err) == (0, "", "tuning.slate.fresh is set to 0.2\n")
    rule = '{"do":"take_down","video":"cat-7"}'
    sent = ask("control", "set", "rule.gone", rule, "--json").json
    assert (sent["key"], sent["value"]["do"], sent["topic"]) == ("rule.gone", "take_down", "control")
    assert ask("control", "set", "models.rollback", "ranker-12").code == 0
    assert ask("control", "set", "models.freeze", "true").code == 0
    found = ask("control", "get", "--json").json
    assert {key: one["value"] for key, one in found.items()} == {
        "models.freeze": True, "models.rollback": "ranker-12", "tuning.slate.fresh": 0.2,
        "rule.gone": {"do": "take_down", "video": "cat-7"},
    }  # fmt: skip
    one = ask("control", "get", "tuning.slate.fresh", "--json").json
    assert (one["set"], one["value"], one["default"], one["refused"]) == (True, 0.2, 0.1, None)
    assert one["ts_ms"] > 1_700_000_000_000
    assert ask("control", "get").out.splitlines()[-1] == "tuning.slate.fresh 0.2"
    assert ask("control", "unset", "tuning.slate.fresh", "--json").json["value"] is None
    assert ask("control", "get", "tuning.slate.fresh").out == "tuning.slate.fresh 0.1 (by default)\n"
    again = ask("control", "unset", "tuning.slate.fresh")
    assert (again.code, "tuning.slate.fresh is not set" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("tuning.slate.fresh", "2", "slate.fresh: Expected `float` <= 1.0"),
        ("tuning.slate.freshness", "0.2", "slate.freshness: there is no such setting"),
        ("tunning.slate.fresh", "0.2", "there is no such key; there are tuning.<section>.<name>"),
        ("rule.x", '{"do":"pin","tag":"cats"}', "only a video can be pinned"),
        ("experiment.x", '{"salt":"x","arms":{"a":{}}}', "Expected `object` of length >= 2"),
        ("models.freeze", "yes", "it must be true or false"),
        ("models.rollback", "true", "it must be a version"),
        ("rule." + "x" * 256, '{"do":"take_down","video":"x"}', "would be refused: type at $.key"),
        ("tuning.slate.fresh", "null", "use `feedstream control unset tuning.slate.fresh`"),
    ],
)
def test_what_workers_would_refuse_is_not_published(ground: Embedded, ask, key: str, value: str, why: str) -> None:
    done = ask("control", "set", key, value)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert why in done.err
    assert ask("control", "get", "--json").json == {}


def test_what_somebody_else_has_set_wrongly_is_shown_as_refused(ground: Embedded, ask) -> None:
    with RecordProducer(ground.broker.removeprefix("kafka://"), client_id="test") as producer:
        producer.send("control", b"tuning.slate.fresh", b'{"v":1,"key":"tuning.slate.fresh","value":7}')
        producer.send("control", b"odd", b"{")
    found = ask("control", "get", "--json").json
    assert found["tuning.slate.fresh"]["refused"] == "slate.fresh: Expected `float` <= 1.0"
    assert found["odd"]["refused"].startswith("json at $")
    assert "refused by workers: json at $" in ask("control", "get").out
    assert ask("control", "unset", "odd").code == 0
    assert set(ask("control", "get", "--json").json) == {"tuning.slate.fresh"}


def test_a_key_that_nobody_knows_is_an_empty_answer_and_exit_1(ground: Embedded, ask) -> None:
    done = ask("control", "get", "rule.nothing")
    assert (done.code, done.out) == (1, "")
    done = ask("control", "get", "rule.nothing", "--json")
    assert (done.code, done.json["set"], done.json["value"]) == (1, False, None)
