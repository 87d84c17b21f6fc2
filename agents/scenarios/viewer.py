"""Scenarios of knowing the viewer: what is known, from where, and what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.telling import YEAR_MS, Teller, looped, send
from agents.world.population import SUBJECTS, Videos
from schemas.catalogue import User, Video
from schemas.events import EVENTS, Ctx
from schemas.lines import parse_line, write_line
from streams.control.tuning import DEFAULT, Tuning
from streams.replay import Replay

__all__ = [
    "Stage",
    "drama_in_the_evening",
    "everybody_is_another",
    "first_likes_steer",
    "food_leads_to_baking",
    "foreign_languages",
    "friends_likes",
    "next_part_of_a_series",
    "own_uploads",
    "planted",
    "popular_where_one_lives",
    "quick_turn",
    "segments_stand_in",
    "taste_of_weeks",
]  # fmt: skip

_START_MS: Final = 1_760_313_600_000  # a Monday, 00:00 UTC
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS


class Stage(Teller):
    """Videos of the synthetic world before a fresh ``Replay``, and viewers who do what they are told to."""

    def __init__(self, seed: int, tuning: Tuning = DEFAULT, videos: int = 240) -> None:
        self.rng = np.random.default_rng(seed)
        super().__init__(Replay(_START_MS + YEAR_MS, tuning=tuning), _START_MS)
        made = Videos()
        self.videos = made.upload(self.rng, [_START_MS - _DAY_MS + at for at in range(videos)])
        self.announce(self.videos)

    def announce(self, videos: Iterable[Video]) -> None:
        """More videos."""
        for video in videos:
            send(self.replay, "videos", video)

    def join(self, user_id: str, **record: Any) -> None:
        """A viewer's record."""
        user = User(v=1, user_id=user_id, **record)
        self.replay.line(parse_line(write_line("users", user_id, user, self.now_ms)))

    def tell(self, verb: str, user_id: str, video_id: str | None, **more: Any) -> None:
        """One event; a second goes by."""
        self.now_ms += 1_000
        self.does(verb, user_id, video_id, **{"session_id": f"s{self.now_ms // _HOUR_MS}"} | more)

    def like(self, user_id: str, videos: Iterable[Video], **more: Any) -> None:
        """Likes, one after the other, folded together."""
        for video in videos:
            self.tell("like", user_id, video.video_id, **more)
        self.replay.flush()

    def shown(
        self, user_id: str, limit: int = 10, ctx: Ctx | None = None, purpose: str = "feed", **more: Any
    ) -> list[Video]:
        """The videos of a batch that is asked for now."""
        by_id = {video.video_id: video for video in self.videos}
        shown = self.asks(user_id, limit, ctx=ctx, purpose=purpose, **more)
        return [by_id[name] for name in shown if name in by_id]

    def about(self, subject: str) -> list[Video]:
        """Videos of a subject, in random order."""
        found = [video for video in self.videos if video.category == subject]
        return [found[at] for at in self.rng.permutation(len(found)).tolist()]


def share(videos: Sequence[Video], among: Iterable[str]) -> float:
    """The share of ``videos`` whose ids are ``among``."""
    wanted = set(among)
    return sum(video.video_id in wanted for video in videos) / max(1, len(videos))


def _ids(videos: Iterable[Video]) -> list[str]:
    return [video.video_id for video in videos]


@scenario(
    row="context",
    shows="share of drama among ten at 20:00 less that at 08:00, of who likes it in the evening, news in the morning",
    off={"persona.hour": 0.0},
    least=0.2,
)
def drama_in_the_evening(seed: int, tuning: Tuning) -> float:
    """Five days of it; then each time of a day on which nothing was done yet."""
    stage, ctx = Stage(seed, tuning), Ctx(tz_min=120)
    drama, news = stage.about(SUBJECTS[0]), stage.about(SUBJECTS[1])
    for day in range(5):
        for hour, liked in ((8, news), (20, drama)):
            stage.now_ms = _START_MS + day * _DAY_MS + (hour - 2) * _HOUR_MS
            stage.like("ann", liked[day * 2 : day * 2 + 2], ctx=ctx)
    found = []
    for hour in (8, 20):
        stage.now_ms = _START_MS + 7 * _DAY_MS + (hour - 2) * _HOUR_MS
        found.append(share(stage.shown("ann", 10, ctx, "preview"), _ids(drama)))
    return found[1] - found[0]


@scenario(
    row="cold viewer",
    shows="share of what the own country likes, less that of what another likes, among the first ten of a new viewer",
    off={"persona.locale": 0.0},
    least=0.2,
)
def popular_where_one_lives(seed: int, tuning: Tuning) -> float:
    """Two countries like different videos, equally much; of the newcomer only the country is known."""
    stage = Stage(seed, tuning)
    order = [stage.videos[at] for at in stage.rng.permutation(len(stage.videos)).tolist()]
    liked = {"SE": order[:20], "BR": order[20:40]}
    for at in range(30):
        country = ("SE", "BR")[at % 2]
        some = stage.rng.permutation(20)[:5].tolist()
        stage.like(f"u{at}", [liked[country][one] for one in some], ctx=Ctx(country=country))
    first = stage.shown("new", 10, Ctx(country="SE"))
    return share(first, _ids(liked["SE"])) - share(first, _ids(liked["BR"]))


@scenario(
    row="cold viewer",
    shows="share of other languages among the first twenty of a new viewer",
    off={"persona.foreign": 1.0},
    least=0.1,
    fewer=True,
)
def foreign_languages(seed: int, tuning: Tuning) -> float:
    """What is popular is in other languages; of the newcomer only the language is known."""
    stage = Stage(seed, tuning)
    foreign = [video for video in stage.videos if video.lang != "ja"]
    for at in range(12):
        some = stage.rng.permutation(60)[:6].tolist()
        stage.like(f"u{at}", [foreign[one] for one in some])
    first = stage.shown("new", 20, Ctx(lang="ja"))
    return sum(video.lang != "ja" for video in first) / len(first)


@scenario(
    row="cold viewer",
    shows="match of the first ten after three likes less that before the first",
    off={"persona.fast": 0.0, "persona.slow": 0.0},
    least=0.02,
)
def first_likes_steer(seed: int, tuning: Tuning) -> float:
    """Newcomers like the three videos that they like best of twenty; the others have watched for a while."""
    loop = looped(seed, tuning, viewers=12, videos=200)
    for viewer in range(4):
        loop.session(viewer)
    gains = []
    for viewer in range(4, 12):
        before = loop.preview(viewer)
        liking = loop.world.affinities(viewer)
        some = loop.world.rng.permutation(200)[:20]
        best = some[np.argsort(-liking[some])[:3]]
        for row in best.tolist():
            told = EVENTS["events.like"](
                v=1, event_id=f"first{viewer}.{row}", user_id=loop.world.tastes.user_ids[viewer], session_id="first",
                video_id=loop.world.videos.records[row].video_id, ts_ms=loop.now_ms,
            )  # fmt: skip
            loop.act([("events.like", told)])
        gains.append(loop.preview(viewer) - before)
    return float(np.mean(gains))


@scenario(
    row="fast and slow interest",
    shows="share of the new subject among ten, after six likes of it in one session and weeks of liking another",
    off={"persona.fast": 0.0},
    least=0.2,
)
def quick_turn(seed: int, tuning: Tuning) -> float:
    """The session says that somebody loves something else now, before the taste of weeks does."""
    stage = Stage(seed, tuning)
    _weeks_of(stage, SUBJECTS[2])
    turned = stage.about(SUBJECTS[6])
    stage.like("ann", turned[:6])
    return share(stage.shown("ann", 10, purpose="preview"), _ids(turned))


@scenario(
    row="fast and slow interest",
    shows="share of the group they now like with among ten, after six likes each, of viewers who all changed groups",
    off={"signals.drift": False},
    least=0.1,
    seeds=3,
)
def everybody_is_another(seed: int, tuning: Tuning) -> float:
    """Three groups like different videos, which nothing but the likes tells apart; then all go over to another group,
    half of each to either of the two.
    """
    stage, viewers = Stage(seed, tuning), range(72)
    order = stage.rng.permutation(len(stage.videos)).reshape(3, -1).tolist()
    groups = [[stage.videos[at] for at in part] for part in order]
    likes = {(who, group): iter(stage.rng.permutation(80).tolist()) for who in viewers for group in range(3)}
    for turn in range(24):
        for who in viewers:
            group = who % 3 if turn < 18 else _other_group(who)
            stage.now_ms += 59_000
            stage.tell("like", f"u{who}", groups[group][next(likes[who, group])].video_id)
            if who % 8 == 7:  # the learner takes no more from one frame
                stage.replay.flush()
    found = [share(stage.shown(f"u{who}", 10, purpose="preview"), _ids(groups[_other_group(who)])) for who in viewers]
    return float(np.mean(found))


def _other_group(who: int) -> int:
    return (who + who // 3 % 2 + 1) % 3


@scenario(
    row="fast and slow interest",
    shows="share of the subject liked for weeks among ten on the next day, after six likes of another",
    off={"persona.slow": 0.0},
    least=0.2,
)
def taste_of_weeks(seed: int, tuning: Tuning) -> float:
    """The session has faded, the taste has not."""
    stage = Stage(seed, tuning)
    _weeks_of(stage, SUBJECTS[2])
    stage.like("ann", stage.about(SUBJECTS[6])[:6])
    stage.now_ms += _DAY_MS
    return share(stage.shown("ann", 10, purpose="preview"), _ids(stage.about(SUBJECTS[2])))


def _weeks_of(stage: Stage, subject: str) -> None:
    """Ann likes one video of a subject a day, for ten days."""
    for video in stage.about(subject)[:10]:
        stage.now_ms += _DAY_MS
        stage.like("ann", [video])


@scenario(
    row="social",
    shows="share of what friends liked among the first ten",
    off={"persona.friends": 0.0},
    least=0.2,
)
def friends_likes(seed: int, tuning: Tuning) -> float:
    """Three friends like what nobody else does; strangers like as much of other videos."""
    stage = Stage(seed, tuning)
    order = [stage.videos[at] for at in stage.rng.permutation(len(stage.videos)).tolist()]
    for at in range(9):
        stage.like(f"u{at}", order[at * 5 : at * 5 + 5])
    for friend in range(3):
        stage.tell("follow", "ann", order[100 + friend].video_id, creator_id=f"u{friend}")
    return share(stage.shown("ann", 10), _ids(order[:15]))


@scenario(
    row="persona tags",
    shows="share of the subject of one's own uploads among the first ten",
    off={"persona.uploads": 0.0},
    least=0.2,
)
def own_uploads(seed: int, tuning: Tuning) -> float:
    """Somebody uploads five videos about cooking and did nothing else yet."""
    stage = Stage(seed, tuning)
    own = [
        Video(v=1, video_id=f"own{at}", creator_id="ann", created_ms=stage.now_ms, duration_ms=9_000, tags=["cooking"])
        for at in range(5)
    ]
    stage.announce(own)
    return share(stage.shown("ann", 10), _ids(stage.about("cooking")))


@scenario(
    row="latent interests",
    shows="share of a subject never touched, which goes with the one liked, less that of another, among the first ten",
    off={"persona.alike": 0.0, "persona.together": 0.0},
    least=0.1,
)
def food_leads_to_baking(seed: int, tuning: Tuning) -> float:
    """Three pairs of subjects, each liked by the same people; then, for each pair, somebody who likes ten videos of
    the one and met none of the other.
    """
    stage, found = Stage(seed, tuning), []
    subjects = [stage.about(subject) for subject in SUBJECTS[:6]]
    for at in range(30):
        for videos in subjects[at % 3], subjects[at % 3 + 3]:
            stage.like(f"u{at}", [videos[one] for one in stage.rng.permutation(len(videos))[:5].tolist()])
    for pair in range(3):
        stage.like(f"new{pair}", subjects[pair][:10])
    stage.now_ms += _DAY_MS
    for pair in range(3):
        shown = stage.shown(f"new{pair}", 10, purpose="preview")
        found.append(share(shown, _ids(subjects[pair + 3])) - share(shown, _ids(subjects[(pair + 1) % 3 + 3])))
    return float(np.mean(found))


@scenario(
    row="session pace",
    shows="how high the next part of a series stands (1: first, 0.5: second, …) after three parts in order",
    off={"persona.after": 0.0},
    least=0.15,
    seeds=3,
)
def next_part_of_a_series(seed: int, tuning: Tuning) -> float:
    """Series of eight parts, which nothing but the order of likes tells of; each viewer enters somewhere and likes
    four in a row. Then somebody likes the second to the fourth part of each.
    """
    stage, found = Stage(seed, tuning), []
    series = [[stage.videos[at] for at in part] for part in stage.rng.permutation(240).reshape(30, 8)[:6].tolist()]
    for at in range(72):
        first = int(stage.rng.integers(0, 5))
        for video in series[at % 6][first : first + 4]:
            stage.like(f"u{at}", [video])
        stage.now_ms += 600_000
    for number, parts in enumerate(series):
        stage.like(f"new{number}", parts[1:4])
        shown = _ids(stage.shown(f"new{number}", 20, purpose="preview"))
        found.append(1.0 / (1 + shown.index(parts[4].video_id)) if parts[4].video_id in shown else 0.0)
    return float(np.mean(found))


@scenario(
    row="segments",
    shows="share of the own group's favourites among ten after three likes of other videos",
    off={"persona.segment": 0.0},
    least=0.05,
)
def segments_stand_in(seed: int, tuning: Tuning) -> float:
    """Four groups by subject; each has favourites that nothing but the group tells of."""
    stage = Stage(seed, tuning)
    groups = planted(stage, 6)
    found = []
    for number, videos in enumerate(groups):
        stage.like(f"new{number}", videos[-3:])
        found.append(share(stage.shown(f"new{number}", 10), _ids(videos[:10])))
    return float(np.mean(found))


def planted(stage: Stage, each: int) -> list[list[Video]]:
    """Four groups of ``each`` viewers (``u<group>.<number>``), who like two subjects: of ten favourites of the group
    most, of its other videos hardly any. Returns the videos of each, the favourites first.
    """
    subjects = [stage.about(subject) for subject in SUBJECTS[:8]]
    groups = []
    for number in range(4):
        one, other = subjects[number], subjects[number + 4]
        groups.append([*one[:5], *other[:5], *one[5:], *other[5:]])
    for at in range(each):
        for number, videos in enumerate(groups):
            favourites, others = stage.rng.permutation(10)[:7].tolist(), stage.rng.permutation(len(videos) - 13)[:1]
            stage.like(f"u{number}.{at}", [videos[one] for one in [*favourites[:3], *(10 + others).tolist()]])
            stage.like(f"u{number}.{at}", [videos[one] for one in favourites[3:]])
    return groups
