"""The laws of state, over every state type: what arrives twice, in another order or in other batches shows nowhere."""

from __future__ import annotations

import ast
import random
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.states import LAWS, Events, State
from tests.streams.states_of_control import STEERING
from tests.streams.states_of_learning import LEARNING
from tests.streams.states_of_trends import RISING, TRENDS
from tests.streams.states_of_videos import CATALOGUE, OUTCOMES, VIDEOS
from tests.streams.states_of_viewers import DESK, EXACT_HASH, HASH_INDEX, USERS

STATES = (OUTCOMES, USERS, VIDEOS, CATALOGUE, DESK, EXACT_HASH, HASH_INDEX, STEERING, RISING, TRENDS, *LEARNING)
INSIDE = {
    "Changes": "UserShard",
    "NewtonLogistic": "Heads",
    "Lookout": "Trends, and what it reads off tables, which test_trends shows",
    "Lent": "what it knows ends with a lease; test_exploring holds it to its bound",
    "Referee": "VideoShard",
    "Peers": "no state between calls; test_features holds it to its look-ups",
    "Table": "OutcomeTable",
    "Themes": "Catalogue",
    "VideoTable": "VideoShard",
    "ViewerTable": "UserShard",
    "BadLine": "no state",
    "Proceeds": "counts to watch, stored nowhere; test_proceeds holds it to its bounds, and each stage to once",
    "Replay": "made of the others; test_replay holds it to its own laws",
}
"""Classes of streams that the laws reach through another."""
STREAMS = Path(__file__).parents[2] / "streams"
SEEDS = st.integers(0, 2**32 - 1)
MODEST = settings(max_examples=12, deadline=None)


def keeping(law: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("state", [one for one in STATES if law not in one.without], ids=lambda one: one.name)


def fed(state: State, *batches: Events) -> Any:
    made = state.fresh()
    for batch in batches:
        if batch:
            state.apply(made, batch)
    return made


def assert_same(state: State, law: str, one: Any, other: Any) -> None:
    assert state.exact(one) == state.exact(other)
    if law not in state.loose:
        assert_close(state, one, other)


def assert_close(state: State, one: Any, other: Any) -> None:
    """What decays agrees to rounding; a slot that is not there weighs nothing."""
    left, right = state.rounded(one), state.rounded(other)
    for name in left.keys() | right.keys():
        values = [np.asarray(found.get(name, 0.0)) for found in (left, right)]
        np.testing.assert_allclose(*values, rtol=2e-4, atol=2e-5, err_msg=str(name))


def shuffled(state: State, rng: random.Random, events: Events) -> Events:
    """Another order in which every lane keeps its own."""
    lanes: dict[Any, deque[Any]] = defaultdict(deque)
    for at, event in enumerate(events):
        lane = state.lane(event)
        lanes[("own", at) if lane is None else lane].append(event)
    turns = [lane for lane, held in lanes.items() for _ in held]
    rng.shuffle(turns)
    return [lanes[lane].popleft() for lane in turns]


@keeping("idempotent")
@MODEST
@given(seed=SEEDS)
def test_what_arrives_twice_changes_nothing(state, seed):
    rng = random.Random(seed)
    events = state.events(rng)
    again = rng.sample(events, len(events) // 2) if state.lane(events[0]) is None else events
    assert_same(state, "idempotent", fed(state, events), fed(state, events, again))


@keeping("commutative")
@MODEST
@given(seed=SEEDS)
def test_order_changes_nothing(state, seed):
    rng = random.Random(seed)
    events = state.events(rng)
    assert_same(state, "commutative", fed(state, events), fed(state, shuffled(state, rng, events)))


@keeping("associative")
@MODEST
@given(seed=SEEDS)
def test_batch_boundaries_change_nothing(state, seed):
    rng = random.Random(seed)
    events = state.events(rng)
    cuts = sorted(rng.sample(range(len(events) + 1), min(4, len(events))))
    parts = [events[low:high] for low, high in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    assert_same(state, "associative", fed(state, events), fed(state, *parts))


@keeping("inverse")
@MODEST
@given(seed=SEEDS)
def test_an_undo_restores_what_was_before(state, seed):
    rng = random.Random(seed)
    assert state.story is not None
    before, more, undone = state.story(rng)
    meant = state.meant or state.exact
    one, other = fed(state, before), fed(state, before, more)
    assert meant(one) != meant(other)
    state.apply(other, undone)
    assert meant(one) == meant(other)
    if "inverse" not in state.loose:
        assert_close(state, one, other)


@keeping("bounded")
def test_a_flood_stays_within_the_bound(state):
    held, bound = state.flood()
    assert 0 < held <= bound


@keeping("restored")
@MODEST
@given(seed=SEEDS)
def test_what_was_stored_comes_back_bit_for_bit_and_goes_on(state, seed):
    rng = random.Random(seed)
    first = fed(state, state.events(rng))
    back = state.again(first)
    assert state.raw(back) == state.raw(first)
    more = state.events(rng)
    for one in (first, back):
        state.apply(one, more)
    assert_same(state, "restored", first, back)


@keeping("cold")
def test_an_empty_state_answers_sensibly(state):
    assert state.cold(state.fresh())


def test_every_state_keeps_every_law_or_says_why_not():
    for state in STATES:
        assert {*state.without, *state.loose} <= set(LAWS), state.name
        assert all(len(reason) > 10 for reason in (*state.without.values(), *state.loose.values())), state.name
        assert (state.story is None) == ("inverse" in state.without), state.name
        assert not {"bounded", "restored", "cold"} & set(state.without), f"{state.name}: these are for all"


def test_every_class_that_holds_state_is_held_to_the_laws():
    found = {
        node.name
        for path in STREAMS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and any(getattr(one, "name", "") == "__init__" for one in node.body)
    }
    assert found - INSIDE.keys() == {state.name for state in STATES}
