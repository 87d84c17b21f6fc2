"""Made-up videos for the fake gateway: a few hundred, of subjects that look different, always the same ones."""

from __future__ import annotations

import random
from typing import Any, Final

__all__ = ["SUBJECTS", "made_up"]

SUBJECTS: Final[dict[str, tuple[str, str]]] = {
    "cats": ("kitten cozy tabby window", "The quiet one by the window|Nobody told her it is Monday|Paws, then naps"),
    "football": (
        "goals training freekick derby",
        "Top corner, again|Twenty tries, one perfect curl|Warm-up before the derby",
    ),
    "cooking": (
        "pasta ramen pizza streetfood",
        "Ten minutes, one pan|Broth that took all night|Grandmother would approve",
    ),
    "travel": (
        "islands balloons backpacking slowtravel",
        "Above the valley at six|No plan, just wind|Two weeks, one bag",
    ),
    "cars": (
        "roadtrip drift classic garage",
        "Sunset on the coast road|First drive after the rebuild|Straight six, straight road",
    ),
    "dance": (
        "hiphop choreo salsa freestyle",
        "Learnt it in one evening|When the beat drops twice|Last take, best take",
    ),
    "music": ("vinyl lofi synth live", "Side B is the better side|A loop for late evenings|Three chords and rain"),
    "nature": ("mountains forest birds lakes", "The lake before anybody woke|Wind in the pines|Where the trail ends"),
    "science": (
        "space physics planets telescope",
        "Why this orbit is odd|A year there lasts a weekend|Saturn, explained slowly",
    ),
    "games": (
        "retro speedrun pixelart indie",
        "One jump from the record|Found a secret after years|Level one, no coins",
    ),
    "fashion": (
        "fabric thrift runway sewing",
        "Silk that moves like water|From curtain to coat|Colours of this autumn",
    ),
    "comedy": (
        "sketch standup office pets",
        "When the meeting could be an email|The alarm next door, a saga|He laughed first",
    ),
    "fitness": ("running hiit mobility gym", "Five easy kilometres|The warm-up you always skip|Slow is smooth"),
}
"""Subject to (further tags, captions)."""
_EACH: Final = 20
_MAKERS: Final = ("ada", "bo", "chen", "dua", "eli", "fay", "gus", "hana", "ivo", "juno", "kai", "lia")


def made_up(seed: int = 7) -> dict[str, dict[str, Any]]:
    """Video id to the record of a video, with ``likes`` and ``counts`` beside it; subjects take turns."""
    rng = random.Random(seed)
    videos: dict[str, dict[str, Any]] = {}
    for nth in range(_EACH):
        for subject, (tags, captions) in SUBJECTS.items():
            video_id = f"{subject}-{nth + 1}"
            impressions = int(rng.paretovariate(3) * 2_000)
            videos[video_id] = {
                "video_id": video_id,
                "creator_id": f"{rng.choice(_MAKERS)}.{subject}",
                "created_ms": 1_760_000_000_000 - rng.randrange(86_400_000),
                "duration_ms": rng.randrange(6_000, 24_000, 500),
                "caption": rng.choice(captions.split("|")),
                "tags": [subject, *rng.sample(tags.split(), 2)],
                "sound_id": f"{subject}-sound-{rng.randrange(4)}",
                "category": subject,
                "lang": rng.choice(("en", "en", "de", "zh")),
                "counts": _counts(rng, impressions),
            }
    return videos


def _counts(rng: random.Random, impressions: int) -> dict[str, int]:
    likes = int(impressions * rng.uniform(0.04, 0.2))
    return {
        "impressions": impressions,
        "watches": int(impressions * 0.9),
        "watch_ms": impressions * 6_000,
        "likes": likes,
        "shares": likes // 9,
        "skips": impressions // 4,
        "comments": likes // 6,
        "follows": likes // 14,
        "saves": likes // 5,
    }
