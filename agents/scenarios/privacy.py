"""Scenarios of privacy: what is not read of who wants no personalisation, what a fresh start leaves, who is forgotten.

Counted by parts of a profile: one part that is still felt is one too many. Felt is what makes the ranking another one
than that of somebody new, in the same world and at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from agents.scenarios.obeying import differ
from agents.scenarios.scenario import scenario
from agents.scenarios.telling import looped
from agents.scenarios.viewer import Stage
from agents.world.population import SUBJECTS
from schemas.catalogue import UserSettings
from schemas.events import Ctx
from schemas.lines import parse_line, write_line
from streams.arrays.hashing import hash64, pair
from streams.control.tuning import DEFAULT
from streams.learning.snapshots import encode_snapshot
from streams.replay import Replay
from streams.shards.keys import outcome_key, viewer_key

__all__ = [
    "a_fresh_start", "a_profile_nobody_reads", "found_after_forgetting", "marks_of", "somebody_forgotten", "traces",
]  # fmt: skip

_LOVED: Final = SUBJECTS[2]
_FRIENDS: Final = ("friend-0", "friend-1", "friend-2")
_Part = Callable[[Stage, str], None]


def _likes(stage: Stage, user: str) -> None:
    stage.like(user, stage.about(_LOVED)[:4], ctx=Ctx(tz_min=0))


def _watches(stage: Stage, user: str) -> None:
    for video in stage.about(_LOVED)[:4]:
        stage.tell("watch", user, video.video_id, watch_ms=video.duration_ms, duration_ms=video.duration_ms)


def _skips(stage: Stage, user: str) -> None:
    for video in stage.about(_LOVED)[:4]:
        stage.tell("skip", user, video.video_id, watch_ms=300)


def _refuses(stage: Stage, user: str) -> None:
    for video in stage.about(_LOVED)[:4]:
        stage.tell("feedback", user, video.video_id, kind="not_interested")


def _comments(stage: Stage, user: str) -> None:
    for at, video in enumerate(stage.about(_LOVED)[:4]):
        stage.tell("comment", user, video.video_id, comment_id=f"{user}.{at}")


def _follows(stage: Stage, user: str) -> None:
    for video in stage.about(_LOVED)[:4]:
        stage.tell("follow", user, video.video_id, creator_id=video.creator_id)


def _befriends(stage: Stage, user: str) -> None:
    for friend, video in zip(_FRIENDS, stage.about(_LOVED), strict=False):
        stage.tell("follow", user, video.video_id, creator_id=friend)


def _opens(stage: Stage, user: str) -> None:
    stage.tell("action", user, None, kind="tag_open", target=_LOVED)


def _wants_more(stage: Stage, user: str) -> None:
    stage.asks(user, 1, query=f"more {_LOVED}")


def _hides(stage: Stage, user: str) -> None:
    stage.tell("feedback", user, None, kind="hide_tag", target=_LOVED)


_LEARNT: Final[dict[str, _Part]] = {
    "likes": _likes, "watches": _watches, "skips": _skips, "refusals": _refuses, "comments": _comments,
    "opened tags": _opens, "wishes": _wants_more,
}  # fmt: skip
"""What is learnt of a viewer, or fades."""
_SAID: Final[dict[str, _Part]] = {"follows": _follows, "friends": _befriends}
"""What a viewer says for good."""
_SIGNED_UP: Final[dict[str, dict[str, Any]]] = {"interests": {"interests": [_LOVED]}, "language": {"lang": "ja"}}
"""What a viewer's record says."""


def _known(seed: int, parts: Mapping[str, _Part]) -> Stage:
    """A viewer for each of ``parts`` and of what a record says, of whom that is known and nothing else; named so."""
    stage = Stage(seed, videos=200)
    for friend in _FRIENDS:
        stage.like(friend, stage.videos[:5])
    for user, act in parts.items():
        act(stage, user)
    for user, record in _SIGNED_UP.items():
        stage.join(user, **record)
    stage.replay.flush()
    stage.now_ms += 1_000
    return stage


def _felt(stage: Stage, users: Iterable[str], *, met: bool) -> float:
    """How many of the viewers are not ranked for like somebody new; ``met``: it counts what is left out, too."""
    stage.replay.flush()
    stage.now_ms += 60_000
    new, found = stage.scores("somebody new"), [stage.scores(user) for user in users]
    return float(sum(differ(new if met else {name: new[name] for name in one}, one) for one in found))


@scenario(
    row="privacy",
    shows="parts of eleven of a profile (likes, follows, friends, interests, …) that a ranking without it reads",
    off="personalisation stays on",
    least=10.5,
    fewer=True,
    seeds=3,
)
def a_profile_nobody_reads(seed: int, given: bool) -> float:
    """Who turns personalisation off is ranked for like somebody new; only what was met stays away."""
    stage = _known(seed, _LEARNT | _SAID)
    users = [*_LEARNT, *_SAID, *_SIGNED_UP]
    for user in users:
        stage.join(user, settings=UserSettings(personalize=not given), **_SIGNED_UP.get(user, {}))
    return _felt(stage, users, met=False)


@scenario(
    row="privacy",
    shows="parts of seven of what was learnt of a viewer (likes, skips, opened tags, …) that are felt after a reset",
    off="no reset is sent",
    least=6.5,
    fewer=True,
    seeds=3,
)
def a_fresh_start(seed: int, given: bool) -> float:
    """Who starts anew is ranked for like somebody new; what was met, hidden and said for good stays."""
    stage = _known(seed, _LEARNT)
    for user in _LEARNT if given else ():
        stage.tell("feedback", user, None, kind="reset")
    return _felt(stage, _LEARNT, met=False)


@scenario(
    row="privacy",
    shows="parts of twelve of a profile (likes, hides, interests, …) felt by who was forgotten and comes back",
    off="nobody is forgotten",
    least=11.5,
    fewer=True,
    seeds=3,
)
def somebody_forgotten(seed: int, given: bool) -> float:
    """Who comes back is somebody new, to whom even what was met and hidden is shown."""
    parts = _LEARNT | _SAID | {"hides": _hides}
    stage, users = _known(seed, parts), [*parts, *_SIGNED_UP]
    for user in users if given else ():
        _forget(stage.replay, user, stage.now_ms)
    return _felt(stage, users, met=True)


@scenario(
    row="privacy",
    shows="places of four (rows, numbers of videos, their replica, learner) in which a forgotten viewer is found",
    off="nobody is forgotten",
    least=3.5,
    fewer=True,
    seeds=3,
)
def found_after_forgetting(seed: int, given: bool) -> float:
    """The id, the hash that stands for it, half of that and the names of pairs are looked for in every byte kept."""
    loop = looped(seed, DEFAULT, viewers=6, videos=120)
    for viewer in (*range(6), *range(6)):
        loop.session(viewer)
    loop.replay.flush()
    user = loop.world.tastes.user_ids[2]
    marks = marks_of(loop.replay, user)
    if given:
        _forget(loop.replay, user, loop.now_ms)
    loop.replay.flush()
    return float(len({trace.partition(" in ")[2] for trace in traces(loop.replay, marks)}))


def _forget(replay: Replay, user: str, ts_ms: int) -> None:
    replay.line(parse_line(write_line("users", user, None, ts_ms)))


def marks_of(replay: Replay, user: str) -> dict[str, list[bytes]]:
    """What may stand for a viewer anywhere: the id, its hash, half of that, the hash with that of a video met."""
    name, viewers = hash64(user), replay.users.viewers
    met = viewers.met[viewers.row_of[user]]
    pairs = [one.tobytes() for one in pair(np.full(len(met), name, dtype=np.uint64), met)]
    whole = name.to_bytes(8, "little")
    return {"id": [user.encode()], "hash": [whole], "half": [whole[:4]], "pairs": pairs}


def traces(replay: Replay, marks: Mapping[str, Sequence[bytes]]) -> list[str]:
    """Where of everything that is stored, published or kept in memory one of the marks can be found."""
    viewers, outcomes = replay.users.viewers, replay.users.outcomes
    kept = np.array(sorted(viewers.row_of.values()))
    rows = np.array(sorted(outcomes.row_of.values()))
    owners = [
        (viewers.user_ids[row], name)
        for row, name in zip(outcomes.viewer[rows].tolist(), outcomes.video[rows].view(np.uint64).tolist(), strict=True)
    ]
    keys = [viewer_key(viewers.user_ids[row]) for row in kept] + [outcome_key(*one) for one in owners]
    found = {
        "rows": b"".join([*keys, *viewers.encode(kept), *outcomes.encode(rows)]),
        "numbers of videos": replay.videos.table.pack(np.arange(replay.videos.table.high)).tobytes(),
        "replica": replay.catalogue.pack(np.arange(replay.catalogue.high)).tobytes(),
        "ledgers": b"".join(replay.desk.encode(row) for row in kept.tolist()),
        "learner": replay.learner.to_bytes(),
        "snapshots": b"".join(encode_snapshot(one) for one in replay.learner.snapshots(0)),
    }
    return [
        f"{mark} in {where}"
        for mark, wanted in marks.items()
        for where, value in found.items()
        if any(one in value for one in wanted)
    ]
