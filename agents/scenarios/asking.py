"""Scenarios of other shapes of a request: what it names, leaves out, is like, or comes from.

None can be switched off: each is measured against the plain request of the same viewer in the same world.
"""

from __future__ import annotations

from agents.scenarios.scenario import scenario
from agents.scenarios.viewer import Stage, share
from agents.world.population import SUBJECTS
from schemas.catalogue import Video

__all__ = ["excluded_videos", "following_only", "like_the_seed", "named_candidates", "rising_only"]

_LOVED, _OTHER = SUBJECTS[2], SUBJECTS[6]


def _fond(seed: int) -> Stage:
    """Ann likes a subject, and asks for something else."""
    stage = Stage(seed)
    stage.like("ann", stage.about(_LOVED)[:6])
    return stage


def _some(stage: Stage, count: int) -> list[str]:
    """Ids of videos drawn from what Ann does not care for."""
    others = [video.video_id for video in stage.videos if video.category != _LOVED]
    return [others[at] for at in stage.rng.permutation(len(others))[:count].tolist()]


@scenario(
    row="other shapes of request",
    shows="share of 20 places that go to thirty named candidates",
    off="none are named",
    least=0.5,
)
def named_candidates(seed: int, given: bool) -> float:
    """Of what is named the best, and nothing else."""
    stage = _fond(seed)
    names = _some(stage, 30)
    shown = stage.asks("ann", 20, candidates=names if given else [])
    return len(set(shown) & set(names)) / 20


@scenario(
    row="other shapes of request",
    shows="share of the ten best places that go to what is the best, and was excluded",
    off="nothing is excluded",
    least=0.5,
    fewer=True,
)
def excluded_videos(seed: int, given: bool) -> float:
    """What a preview has just shown is excluded from the next one."""
    stage = _fond(seed)
    best = stage.asks("ann", 10, purpose="preview")
    again = stage.asks("ann", 10, purpose="preview", exclude=best if given else [])
    return len(set(again) & set(best)) / 10


@scenario(
    row="other shapes of request",
    shows="share among ten of the subject of a video that all are to be like, of somebody new",
    off="no video is named",
    least=0.3,
    seeds=3,
)
def like_the_seed(seed: int, given: bool) -> float:
    """From one video of a subject to others of it, where there are more of these than what counts as alike."""
    stage = Stage(seed, videos=1_600)
    alike = stage.about(_OTHER)
    shown = stage.shown("ann", 10, seed_video_id=alike[0].video_id if given else None)
    return share(shown, [video.video_id for video in alike[1:]])


@scenario(
    row="other shapes of request",
    shows="share among ten of the creators followed, of who likes a subject that none of them is about",
    off="it asks for everything",
    least=0.2,
)
def following_only(seed: int, given: bool) -> float:
    """Ann follows eight creators at their profiles."""
    stage = _fond(seed)
    makers = {video.creator_id: video for video in stage.videos if video.category != _LOVED}
    chosen = [makers[maker] for maker in stage.rng.permutation(sorted(makers))[:8].tolist()]
    for video in chosen:
        stage.tell("follow", "ann", video.video_id, creator_id=video.creator_id)
    shown = stage.shown("ann", 10, source="following" if given else None)
    return _by(shown, {video.creator_id for video in chosen})


def _by(videos: list[Video], makers: set[str]) -> float:
    return sum(video.creator_id in makers for video in videos) / max(1, len(videos))


@scenario(
    row="other shapes of request",
    shows="share among five of the five videos that everybody begins to like, of who likes another subject",
    off="it asks for everything",
    least=0.2,
)
def rising_only(seed: int, given: bool) -> float:
    """Others are liked as much, but all day long."""
    stage = _fond(seed)
    names = _some(stage, 15)
    for hour in range(24):
        for at, name in enumerate(names[5:]):
            stage.does("like", f"u{hour}.{at}", name)
        stage.now_ms += 3_600_000
    for at in range(24 * 5):
        stage.tell("like", f"new{at}", names[at % 5])
    stage.replay.flush()
    shown = stage.asks("ann", 5, source="trending" if given else None)
    return len(set(shown) & set(names[:5])) / 5
