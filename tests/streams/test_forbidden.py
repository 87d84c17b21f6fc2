"""What may never be shown never is: counted over very many served items, by the records themselves."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from schemas.catalogue import Safety, Video
from schemas.control import Promotion, Target
from streams import limits
from streams.arrays.hashing import hash64
from streams.control.steering import Steering
from streams.control.tuning import DEFAULT, Tuning, changed
from streams.ranking.desk import Desk
from streams.ranking.ranking import Model, rank_many
from streams.shards.user_shard import UserShard
from streams.video.catalogue import Catalogue
from streams.viewer.wishes import KINDS, NOTHING, put

NOW_MS = 1_700_000_000_000
COUNTRIES = ("SE", "JP", "BR")
TOGETHER, LIMIT = 50, 50
CAPS = {"slate.creator_cap": 2, "slate.sound_cap": 3, "slate.tag_cap": 20}
"""Low enough that every one of them is come up to in such a library, not so low that too little else is left."""


def library(count: int, rng: random.Random) -> list[Video]:
    """Videos of which about one in five must not be shown to somebody or anybody; some by the viewers themselves."""

    def seldom(share: float, value: Any, otherwise: Any) -> Any:
        return value if rng.random() < share else otherwise

    return [
        Video(
            v=1,
            video_id=f"v{at}",
            creator_id=seldom(0.2, f"u{rng.randrange(60)}", f"c{rng.randrange(count // 12)}"),
            created_ms=NOW_MS - 10_000,
            duration_ms=20_000,
            tags=[f"t{int(rng.random() ** 2 * 40)}", f"t{rng.randrange(40)}"],
            sound_id=seldom(0.7, f"s{int(rng.random() ** 2 * count / 15)}", None),
            template_id=seldom(0.3, f"p{rng.randrange(9)}", None),
            countries=seldom(0.1, [rng.choice(COUNTRIES)], []),
            duplicate_of=seldom(0.02, "v0", None),
            safety=seldom(0.1, Safety(level=rng.randint(1, 2)), None),
            recommendable=not seldom(0.02, True, False),
            visibility=seldom(0.02, "unlisted", "public"),
        )
        for at in range(count)
    ]


def catalogue_of(videos: list[Video]) -> Catalogue:
    catalogue = Catalogue()
    rows = catalogue.intern([video.video_id for video in videos])
    packed = catalogue.pack(rows)
    packed["sums"] = np.random.default_rng(1).exponential(30.0, (len(videos), 1, 1)) * np.ones(packed["sums"].shape[1:])
    packed["sums_ms"] = packed["near_ms"] = NOW_MS - 1_000
    catalogue.update(rows, packed, videos, [True] * len(videos))
    return catalogue


class Audience:
    """Viewers who are served again and again, and a judge who knows records, wishes and what was served only."""

    def __init__(self, viewers: int, videos: int, seed: int, tuning: Tuning = DEFAULT) -> None:
        self.rng = random.Random(seed)
        self.videos = {video.video_id: video for video in library(videos, self.rng)}
        self.shard = UserShard(0, catalogue_of(list(self.videos.values())), learn=False)
        self.steering = Steering(tuning)
        self.steering.take("rule.gone", {"do": "take_down", "tag": "t7", "until_ms": NOW_MS + 1})
        self.steering.take("rule.there", {"do": "take_down", "creator": "c3", "audience": "SE"})
        self.steering.take("rule.liked", {"do": "boost", "tag": "t1", "factor": 4})
        for at in range(20):
            target = Target(countries=["SE"]) if at % 3 == 0 else None
            end_ms = NOW_MS + 1 + at * 1_000
            paid = Promotion(v=1, video_id=f"v{at}", impressions=10**6, from_ms=0, to_ms=end_ms, target=target)
            self.steering.promote(f"p{at}", paid)
        self.steering.take("rule.first", {"do": "pin", "video": "v9"})
        self.desk = Desk(self.shard, "token", steering=self.steering)
        table = self.shard.viewers
        self.rows = table.rows(f"u{at}" for at in range(viewers))
        self.hidden: list[set[str]] = []
        self.country = [self.rng.choice((*COUNTRIES, "")) for _ in self.rows]
        self.known: list[set[str]] = [set() for _ in self.rows]
        self.source = [""] * viewers
        self.last: list[list[Video]] = [[] for _ in self.rows]
        self.alike: list[dict[str, list[str | None]]] = [
            {"creator_id": [], "sound_id": [], "tag": []} for _ in self.rows
        ]
        for row, country in zip(self.rows, self.country, strict=True):
            table.country[row] = hash64(country) if country else 0
            table.safety_level[row] = self.rng.randrange(3)
            names = [
                self.rng.choice([f"c{self.rng.randrange(40)}", f"t{self.rng.randrange(20, 40)}"]) for _ in range(3)
            ]
            kinds = [KINDS["hide_tag" if name[0] == "t" else "block"] for name in names]
            wishes = [(kind, hash64(name), 2) for kind, name in zip(kinds, names, strict=True)]
            table.hidden[row] = put(NOTHING, wishes)
            self.hidden.append(set(names))
            liked = self.rng.sample(range(20), 4)
            table.tags[row, :4] = [hash64(f"t{at}") for at in liked]
            table.tag_w[row, :4, 0] = [3.0, 2.0, 1.0, 1.0]
        self.found: Counter[str] = Counter()
        self.full = Counter(dict.fromkeys(self.alike[0], 0))

    def serve(self, at: int) -> int:
        """The next batch of some viewers, judged, and some of it met; how many items they were."""
        some = self.rows[at : at + TOGETHER]
        asked = [self.desk.own(row, NOW_MS, LIMIT) for row in some]
        total = 0
        for row, ranked in zip(some, rank_many(self.shard.catalogue, self.shard.viewers, asked, Model()), strict=True):
            batch = self.desk.made(row, ranked, {}, "m", "near_end", NOW_MS)
            shown = [self.videos[item.video_id] for item in batch.items]
            self.judge(row, shown, [item.source for item in batch.items])
            total += len(shown)
            self.known[row].update(video.video_id for video in shown)
            met = self.rng.choice([*self.videos])
            self.shard.viewers.remember(row, np.array([hash64(met)], dtype=np.uint64))
            self.known[row].add(met)
        return total

    def judge(self, row: int, shown: list[Video], sources: list[str]) -> None:
        """Count what should not be there, by name."""
        level, country, hidden = int(self.shard.viewers.safety_level[row]), self.country[row], self.hidden[row]
        known, found, lately = set(self.known[row]), self.found, self.last[row]
        tuning = self.steering.tuning.slate
        caps = {"creator_id": tuning.creator_cap, "sound_id": tuning.sound_cap, "tag": tuning.tag_cap}
        for video, source in zip(shown, sources, strict=True):
            found["met or served"] += video.video_id in known
            known.add(video.video_id)
            found["own"] += video.creator_id == f"u{row}"
            found["hidden"] += video.creator_id in hidden or not hidden.isdisjoint(video.tags)
            found["unsafe"] += bool(video.safety and video.safety.level > level)
            found["wrong region"] += bool(video.countries) and country not in video.countries
            found["duplicate"] += video.duplicate_of is not None
            found["not recommendable"] += not video.recommendable or video.visibility != "public"
            found["taken down"] += "t7" in video.tags or (country == "SE" and video.creator_id == "c3")
            if lately:
                before = lately[-1]
                found["creator twice"] += video.creator_id == before.creator_id
                found["sound twice"] += video.sound_id is not None and video.sound_id == before.sound_id
                found["template twice"] += video.template_id is not None and video.template_id == before.template_id
                found["promoted twice"] += source == self.source[row] == "promoted"
            lately.append(video)
            self.source[row] = source
            del lately[: -limits.LATELY]
            for kind, cap in caps.items():
                own = video.tags[0] if kind == "tag" else getattr(video, kind)
                alike = self.alike[row][kind]
                alike.append(own)
                del alike[: -limits.LATELY]
                # What was drawn is bound by no cap, since its odds are told, but counts.
                if own is not None and source not in {"chance", "promise"}:
                    found[f"more than {cap} with one {kind}"] += alike.count(own) > cap
                    self.full[kind] += alike.count(own) == cap


def assert_none_in(items: int, audience: Audience) -> None:
    viewers, served = len(audience.rows), 0
    while served < items:
        before = served
        for at in range(0, viewers, TOGETHER):
            served += audience.serve(at)
        assert served > before, "there must be enough to show"
    print(f"\n{served} items, {dict(audience.found)}")
    assert {name: count for name, count in audience.found.items() if count} == {}


@pytest.mark.parametrize("full", [True, False])
def test_nothing_forbidden_in_many_served_items(full, monkeypatch):
    if full:
        monkeypatch.setattr(limits, "FULL_RANK", 10**9)
    audience = Audience(50, 4_000 if full else 6_000, int(full), changed(DEFAULT, CAPS))
    assert_none_in(5_000 if full else 25_000, audience)
    assert min(audience.full.values()) > 0, f"a cap that nothing comes up to is not tested: {audience.full}"


@pytest.mark.quality
@pytest.mark.timeout(900)
def test_nothing_forbidden_in_a_million_served_items():
    assert_none_in(1_000_000, Audience(700, 8_000, 3))
