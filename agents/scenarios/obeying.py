"""Scenarios of what is obeyed: what must never be shown, what a viewer says no to or takes back, what operators order.

Nobody may switch any of it off, so each is measured against the same world in which nothing was said. What has several
kinds is counted by kind: one kind that is not obeyed is one too many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from agents.scenarios.scenario import scenario
from agents.scenarios.viewer import Stage, share
from agents.world.population import SUBJECTS
from schemas.catalogue import Safety, Video
from schemas.events import Ctx
from streams.video.videos import decayed

__all__ = [
    "an_undo_leaves_no_trace", "boosted_by_rule", "buried_by_rule", "hidden_at_once", "never_shown",
    "not_interested_in_a_subject", "pinned_by_rule", "taken_down_by_rule",
]  # fmt: skip

_LOVED, _OTHER = SUBJECTS[2], SUBJECTS[6]
_MANY: Final = 4_100
"""Videos beyond which a shortlist is drawn: it has ways of its own to let something through."""
_EACH: Final = 12
_ANN: Final = Ctx(country="SE")
_RECORDS: Final[dict[str, Callable[[Video], Video]]] = {
    "own": lambda video: replace(video, creator_id="ann"),
    "unsafe": lambda video: replace(video, safety=Safety(level=1)),
    "elsewhere": lambda video: replace(video, countries=["JP"]),
    "double": lambda video: replace(video, duplicate_of="first"),
    "unlisted": lambda video: replace(video, visibility="unlisted"),
    "not recommendable": lambda video: replace(video, recommendable=False),
    "hidden": lambda video: replace(video, tags=[*video.tags, "gore"]),
    "blocked": lambda video: replace(video, creator_id="bully"),
}
"""Kinds of what is never shown to Ann, by what their records say; others were seen or served."""


@scenario(
    row="never",
    shows="kinds of ten (seen, served, own, hidden, …) of which anything comes in 150 places or when asked for by name",
    off="nothing is said against them",
    least=9.5,
    fewer=True,
    seeds=2,
)
def never_shown(seed: int, given: bool) -> float:
    """The best liked videos of a large catalogue may not be shown to Ann, a few of each kind; all others may."""
    stage = Stage(seed, videos=_MANY)
    order = iter(stage.rng.permutation(_MANY).tolist())
    kinds = {kind: [stage.videos[next(order)] for _ in range(_EACH)] for kind in (*_RECORDS, "seen", "served")}
    names = {kind: {video.video_id for video in videos} for kind, videos in kinds.items()}
    if given:
        stage.announce(made(video) for kind, made in _RECORDS.items() for video in kinds[kind])
        stage.tell("feedback", "ann", None, kind="hide_tag", target="gore")
        stage.tell("feedback", "ann", None, kind="block", target="bully")
    for at in range(3):
        stage.like(f"u{at}", [video for videos in kinds.values() for video in videos])
    whoever = "ann" if given else "somebody else"
    for video in kinds["seen"]:
        stage.tell("watch", whoever, video.video_id, watch_ms=9_000, duration_ms=video.duration_ms)
    names["served"] = set(stage.asks(whoever, _EACH, candidates=sorted(names["served"])))
    shown = {name for _ in range(3) for name in stage.asks("ann", 50, ctx=_ANN)}
    shown |= set(stage.asks("ann", 200, ctx=_ANN, candidates=sorted(set().union(*names.values()))))
    return float(sum(not shown.isdisjoint(some) for some in names.values()))


@scenario(
    row="not interested, hide creator/sound/tag, report, mute, block",
    shows="kinds of six (hide creator, sound or tag, mute, block, report) whose target comes in the next 100 places",
    off="nothing is hidden",
    least=5.5,
    fewer=True,
    seeds=3,
)
def hidden_at_once(seed: int, given: bool) -> float:
    """For each kind a viewer who likes a subject, and now hides the maker, the sound or the tag of a video of it; some
    by name, some by the video itself.
    """
    stage, found = Stage(seed), 0
    meant: dict[str, Callable[[Video], Any]] = {
        "hide_creator": lambda video: video.creator_id, "mute": lambda video: video.creator_id,
        "block": lambda video: video.creator_id, "hide_sound": lambda video: video.sound_id,
        "hide_tag": lambda video: video.tags[0], "report": lambda video: video.video_id,
    }  # fmt: skip
    for kind, what in meant.items():
        videos = stage.about(_LOVED)
        stage.like(kind, videos[:4])
        named = [what(video) for video in videos[4:]]
        one = videos[4 + named.index(max(named, key=named.count))]
        if given and kind in {"hide_creator", "hide_sound", "hide_tag"}:
            stage.tell("feedback", kind, None, kind=kind, target=what(one))
        elif given:
            stage.tell("feedback", kind, one.video_id, kind=kind)
        found += what(one) in [what(video) for video in stage.shown(kind, 100)]
    return float(found)


@scenario(
    row="not interested, hide creator/sound/tag, report, mute, block",
    shows="share among ten of a subject liked as much as another, of three videos of which one was not interested in",
    off="nothing is said",
    least=0.2,
    fewer=True,
)
def not_interested_in_a_subject(seed: int, given: bool) -> float:
    """It is not hidden, it comes less: in the very next batch."""
    stage = Stage(seed)
    loved, other = stage.about(_LOVED), stage.about(_OTHER)
    for pair in zip(loved[:6], other[:6], strict=True):
        stage.like("ann", pair)
    for video in loved[6:9] if given else ():
        stage.tell("feedback", "ann", video.video_id, kind="not_interested")
    return share(stage.shown("ann", 10), [video.video_id for video in loved])


_UNDONE: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "like": ("like", {}),
    "save": ("save", {}),
    "follow": ("follow", {}),
    "comment": ("comment", {"comment_id": "c"}),
    **{
        kind: ("feedback", {"kind": kind})
        for kind in (
            "not_interested", "more_like_this", "report", "hide_creator", "hide_sound", "hide_tag", "mute", "block",
        )
    },
}  # fmt: skip
"""Everything that can be taken back: verb and fields."""


@scenario(
    row="undo",
    shows="signals of twelve (like, save, follow, comment, hide creator, block, …) of which a trace is left",
    off="they are not taken back",
    least=11.5,
    fewer=True,
    seeds=3,
)
def an_undo_leaves_no_trace(seed: int, given: bool) -> float:
    """For each signal two viewers who met the same videos; to one of these the first of the two gives the signal and
    takes it back. It ranks as the second one's, and the video's numbers are what they were.
    """
    stage, found = Stage(seed, videos=200), 0
    makers = Counter(video.creator_id for video in stage.videos)
    fine = [video for video in stage.videos if makers[video.creator_id] > 2]
    for name, (verb, more) in _UNDONE.items():
        one, *others = [fine[at] for at in stage.rng.permutation(len(fine))[:5].tolist()]
        for video in (one, *others):
            stage.now_ms += 10_000
            for user in (name, f"{name}'s twin"):
                stage.does("watch", user, video.video_id, watch_ms=4_500, duration_ms=video.duration_ms)
                if video is others[-1]:
                    stage.does("like", user, video.video_id)
        later_ms = stage.now_ms + 60_000
        before = _numbers(stage, one, later_ms)
        for op in ("add", "remove") if given else ("add",):
            stage.tell(verb, name, one.video_id, op=op, **more)
            stage.replay.flush()
        felt = differ(stage.scores(name), stage.scores(f"{name}'s twin"))
        found += felt or differ(before, _numbers(stage, one, later_ms))
    return float(found)


def _numbers(stage: Stage, video: Video, now_ms: int) -> dict[str, Any]:
    """Counts of a video, decayed sums as of ``now_ms``, how many are known to like it, and what is liked with it."""
    stage.replay.flush()
    table, row = stage.replay.videos.table, stage.replay.videos.row_of[video.video_id]
    sums = decayed(table.sums[[row]] + table.doubted[[row]], table.sums_ms[[row]], now_ms)
    likers, together = np.count_nonzero(table.likers[row]), table.near_w[row].sum()
    return {"counts": table.counts[row].copy(), "sums": sums, "likers": likers, "together": together}


def differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rankings, or what else is told in numbers, are not the same, rounding apart."""
    return one.keys() != other.keys() or not all(np.allclose(one[name], other[name], atol=1e-4) for name in one)


def _fond(seed: int) -> tuple[Stage, list[Video]]:
    """Ann, who liked some videos of a subject, and the rest of it."""
    stage = Stage(seed)
    videos = stage.about(_LOVED)
    stage.like("ann", videos[:6])
    return stage, videos[6:]


@scenario(
    row="operator rules",
    shows="share of a boosted subject among 20, of who likes another one",
    off="no rule is set",
    least=0.2,
)
def boosted_by_rule(seed: int, given: bool) -> float:
    """A hundred times the odds, from the next batch on."""
    stage, _ = _fond(seed)
    if given:
        stage.orders("up", do="boost", tag=_OTHER, factor=100.0)
    return share(stage.shown("ann", 20), [video.video_id for video in stage.about(_OTHER)])


@scenario(
    row="operator rules",
    shows="share of a buried subject among 10, of who likes it",
    off="no rule is set",
    least=0.3,
    fewer=True,
)
def buried_by_rule(seed: int, given: bool) -> float:
    """A hundredth of the odds, from the next batch on."""
    stage, loved = _fond(seed)
    if given:
        stage.orders("down", do="bury", tag=_LOVED, factor=100.0)
    return share(stage.shown("ann", 10), [video.video_id for video in loved])


@scenario(
    row="operator rules",
    shows="how high a pinned video stands that would come last (1: first, 0.5: second, …)",
    off="no rule is set",
    least=0.7,
)
def pinned_by_rule(seed: int, given: bool) -> float:
    """What the ranking likes least comes first."""
    stage, _ = _fond(seed)
    last = stage.asks("ann", 200, purpose="preview")[-1]
    if given:
        stage.orders("first", do="pin", video=last)
    shown = stage.asks("ann", 200)
    return 1.0 / (1 + shown.index(last)) if last in shown else 0.0


@scenario(
    row="operator rules",
    shows="ways of four (by video, tag, creator, country) to name what is taken down of which anything comes among 200",
    off="no rule is set",
    least=3.5,
    fewer=True,
    seeds=3,
)
def taken_down_by_rule(seed: int, given: bool) -> float:
    """What Ann would like best is gone from the next batch on; the rules come one by one, with a ranking after each."""
    stage, loved = _fond(seed)
    videos = [_RECORDS[kind](video) for kind, video in zip(("hidden", "blocked"), loved[1:3], strict=True)]
    videos = [loved[0], *videos, replace(loved[3], countries=["SE"])]
    stage.announce(videos[1:])
    named = {"video": loved[0].video_id, "tag": "gore", "creator": "bully", "country": "SE"}
    for by, name in named.items() if given else ():
        stage.orders(by, do="take_down", **{by: name})
        stage.asks("ann", 1, purpose="preview")
    shown = set(stage.asks("ann", 200, ctx=_ANN))
    return float(sum(video.video_id in shown for video in videos))
