"""Tuning: what operators and experiments may change while workers run, one struct a mechanism.

Every value has a unit, a default and bounds. A ``control`` record with the key ``tuning.<section>.<name>`` sets one,
null unsets it; an arm of an experiment sets some for its viewers. What limits memory or work is no tuning: see
``limits``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

__all__ = [
    "COMMON", "DEFAULT", "OFF", "Bots", "Explain", "Explore", "Gain", "Objective", "Persona", "Pull", "Ratio",
    "Share", "Signals", "Slate", "Span", "Tiers", "Trends", "Tuning", "Words", "Worth", "changed", "described",
]  # fmt: skip

Worth = Annotated[float, Meta(ge=-10.0, le=10.0)]
"""What a reaction is worth, in units of one finished long video."""
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
"""A part of a whole."""
Ratio = Annotated[float, Meta(ge=1.0, le=1_000.0)]
"""How many times as much."""
Gain = Annotated[float, Meta(ge=0.0, le=3.0)]
"""How much of a score's part counts: 1 as it was learnt, 0 nothing."""


Pull = Annotated[float, Meta(ge=0.0, le=30.0)]
"""What bends a score: 1 makes a video e times as likely to be chosen."""
Span = Annotated[float, Meta(gt=0.0, le=1e9)]
"""A length of time, in the unit that the name ends with."""
Strength = Annotated[float, Meta(ge=0.0, le=5.0)]
"""What a score, a logarithm of odds, may be moved by."""
Cap = Annotated[int, Meta(ge=1, le=50)]
"""So many of the 50 items served latest."""


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What reactions are worth to us when videos are ranked: declared weights on predicted probabilities.

    The ranker learns what viewers choose under the defaults. Where a weight differs, each video's score moves by the
    log of what it is expected to be worth now over what it would be worth by default.
    """

    complete: Worth = 0.7
    """Of a long video, beside the long view that it is, too."""
    rewatch: Worth = 0.2
    """Beside what watching it once is worth."""
    share: Worth = 0.9
    follow: Worth = 0.8
    comment: Worth = 0.7
    save: Worth = 0.6
    like: Worth = 0.5
    long_view: Worth = 0.3
    quality: Worth = 0.1
    """Watched longer than most do with videos of that length; at its most where nobody watched longer."""
    skip: Worth = -0.5
    not_interested: Worth = -1.0


class Signals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a viewer's doing is taken to mean. Counts never change by it, only tastes, labels and ranking signals."""

    fair: bool = True
    """Watch time is judged against what is usual for the video's length; off: as a share of its length."""
    excuse: bool = True
    """A short watch that ended by an error or out of sight says nothing against the video."""
    harsh: bool = False
    """Whether a clearly negative comment speaks for the video like any other."""
    gesture: Share = 0.05
    """Worth of each kind of small gesture on a video, together at most ``limits.GESTURES``."""
    slack_s: Annotated[float, Meta(ge=0.0, le=1e6)] = 10.0
    """Watch time beyond twice the time that passed and so much more is not believed."""
    correct: bool = True
    """A label that comes after its example was learnt takes it back and puts it right."""
    drift: bool = True
    """Where viewers' tastes suddenly tell nothing of what they like, of all of them, earlier likes count no more."""


class Slate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a slate is put together from what is ranked."""

    fresh: Share = 0.1
    """Share of places that go to a video whose tier has exposures left (or that few have met, where tiers are off)."""
    creator_cap: Cap = 6
    """Most of the 50 latest items by one creator, where anything else is left."""
    sound_cap: Cap = 8
    """The same with one sound."""
    tag_cap: Cap = 40
    """The same with one leading tag."""
    beyond: Share = 0.1
    """Share of places that go to what lies beyond the viewer's interests."""
    bored: Share = 0.5
    """The same after five showings in a row were passed over; it grows with each of them."""
    promoted: Share = 0.1
    """Largest share of places that go to promoted videos, where campaigns are due."""
    fatigue: Strength = 0.5
    """Most that is taken off the score of what was shown often lately without holding the viewer."""
    creator_gini: Share = 0.8
    """Inequality of exposure among creators beyond which scores work against it; 1: never."""


class Explain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a batch says of why an item is in it."""

    reasons: Annotated[int, Meta(ge=0, le=5)] = 2
    """Reasons an item gives at most, the strongest first; 0: none."""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far requests in words, what is opened by hand, and inferred tags bend a ranking."""

    query: Pull = 10.0
    """A video that fits all of what a request asks for, against one that fits nothing of it."""
    lexicon: Share = 1.0
    """What a tag that a term means by the lexicon counts, against the term itself as a tag."""
    learned: Share = 1.0
    """The same of a tag that a term means by what was watched after it was asked for."""
    carry: Share = 0.5
    """What the viewer's earlier requests still count in a later one, at first."""
    carry_half_life_s: Span = 300.0
    invite: Pull = 3.0
    """A video with what the viewer has just opened or searched for, in batches that are not asked for in words."""
    invite_half_life_s: Span = 600.0
    more: Pull = 3.0
    """A video with what the viewer wanted more of, or less of, in later batches."""
    more_half_life_h: Span = 72.0
    inferred: Share = 0.5
    """What an inferred tag counts, against one that the producer gave, where it is sure."""


class Explore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Places that go to a video that is drawn, with how likely the draw was told beside it."""

    uniform: Share = 0.01
    """Share of places drawn from all that may be shown. One in a hundred is one in five batches of 20: enough to say
    within days what another ranking would have earned, and at most one percent of what the ranking earns."""
    promise: Share = 0.0
    """Share of places drawn by how likely each video is to be the best. 0, since fresh places try new videos already.
    """


class Trends(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as a sudden rise or fall, and how much of it is shown."""

    on: bool = True
    """Whether anybody looks."""
    share: Share = 0.05
    """Share of places that go to what rises."""
    rise: Ratio = 3.0
    """Likes of the last minutes over those expected, from which something is suspected to rise."""
    cool: Ratio = 1.5
    """The same, below which it is released."""
    fall: Share = 0.6
    """Likes of the last hour over those expected, up to which a tag or sound falls."""


class Bots(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose signals move no ranking."""

    on: bool = True
    """Whether anybody is judged; what was judged before stands."""
    history: Annotated[int, Meta(ge=0, le=100)] = 2
    """Videos that a viewer must have met before what was never served counts in full."""
    per_minute: Annotated[float, Meta(ge=1.0, le=1e6)] = 120.0
    """Videos met a minute, for some minutes, beyond which nobody is human."""
    watch: Ratio = 2.0
    """Watch time over the time that passed up to which a viewer only watches fast."""
    ahead_min: Annotated[float, Meta(ge=0.0, le=1e6)] = 15.0
    """Minutes that watch time may be ahead beyond that."""
    barred_h: Annotated[float, Meta(ge=0.0, le=1e6)] = 24.0
    """Hours for which what a viewer does after something that nobody can do counts nowhere."""


class Persona(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much what is known of a viewer counts, part by part."""

    fast: Gain = 1.0
    """The interest of this session."""
    slow: Gain = 1.0
    """The taste of weeks."""
    hour: Gain = 1.0
    """What the viewer likes at this time of day and on this kind of day, and scenes that fit it."""
    uploads: Gain = 1.0
    """Tags of the viewer's own uploads."""
    together: Gain = 1.0
    """What is liked by those who liked the viewer's latest positives: co-occurrence."""
    alike: Gain = 1.0
    """What like-minded viewers like. By it and by what is liked together, tags never touched are found."""
    after: Gain = 1.0
    """What is liked right after what the viewer liked last."""
    followed: Gain = 1.0
    """What those make whom the viewer follows."""
    friends: Gain = 1.0
    """What people liked whom the viewer follows or often has to do with."""
    locale: Gain = 1.0
    """What is liked in the viewer's language and country, while little is known of the viewer."""
    segment: Gain = 1.0
    """What is liked in the viewer's segment, while little is known of the viewer."""
    foreign: Share = 0.2
    """Largest share of places in other languages, for a viewer of whom little is known but the language."""


Exposures = Annotated[int, Meta(ge=1, le=10_000_000)]


class Tiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many viewers a video is tried on before it has to have earned more, and what counts as earned."""

    on: bool = True
    first: Exposures = 200
    """Exposures that the lowest tier may spend; the next four follow, and the top one is without a bound."""
    second: Exposures = 1_000
    third: Exposures = 5_000
    fourth: Exposures = 10_000
    fifth: Exposures = 100_000
    ready: Share = 0.5
    """Share of a budget that must be spent before evidence promotes."""
    bar: Annotated[float, Meta(ge=-5.0, le=5.0)] = 0.1
    """Evidence, the weighted log of own over peers' rates, that promotes from the lowest tier."""
    step: Annotated[float, Meta(ge=0.0, le=5.0)] = 0.03
    """How much more of it each further tier takes."""
    early: Exposures = 40
    """Exposures before which nothing is stopped."""
    worse: Annotated[float, Meta(ge=1.0, le=100.0)] = 2.0
    """How many times the peers' odds of a skip or a dislike are too many."""
    sure: Annotated[float, Meta(ge=0.5, le=1.0)] = 0.99
    """Probability that they are too many, from which a video is stopped."""
    alarm: Annotated[float, Meta(ge=1.0, le=1_000.0)] = 3.0
    """How many times the odds of a dislike so far, own or peers', those of the last hour may be before it is an alert.
    """
    merit: Annotated[float, Meta(ge=0.0, le=5.0)] = 0.15
    """What a creator's past uploads must have scored for the next one to start in the second tier."""
    foresee: bool = True
    """Whether the probability to reach the top is told upload by upload; off: it is the usual one of a tier."""
    lease_s: Annotated[float, Meta(ge=1.0, le=86_400.0)] = 600.0
    """How long a place that was given counts as spent, in event time, until its exposure is told of."""


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every section. Equal values compare and hash equal."""

    objective: Objective = Objective()
    signals: Signals = Signals()
    slate: Slate = Slate()
    tiers: Tiers = Tiers()
    explain: Explain = Explain()
    words: Words = Words()
    explore: Explore = Explore()
    trends: Trends = Trends()
    bots: Bots = Bots()
    persona: Persona = Persona()


DEFAULT: Final = Tuning()

COMMON: Final = (
    *(f"signals.{name}" for name in Signals.__struct_fields__),
    *(f"bots.{name}" for name in Bots.__struct_fields__),
    *(f"tiers.{name}" for name in Tiers.__struct_fields__ if name not in {"on", "lease_s"}),
    *(f"trends.{name}" for name in Trends.__struct_fields__ if name != "share"),
)
"""Settings that hold for everybody at once, as they judge viewers or videos: no arm of an experiment may set them."""

OFF: Final[dict[str, dict[str, Any]]] = {
    "fair watch times": {"signals.fair": False},
    "excused watches": {"signals.excuse": False},
    "negative comments": {"signals.harsh": True},
    "gestures": {"signals.gesture": 0.0},
    "believable watch times": {"signals.slack_s": 1e6},
    "late labels": {"signals.correct": False},
    "drift of tastes": {"signals.drift": False},
    "fresh places": {"slate.fresh": 0.0},
    "traffic tiers": {"tiers.on": False},
    "creators": {"tiers.merit": 5.0},
    "early hits": {"tiers.foresee": False},
    "risk": {"tiers.alarm": 1_000.0},
    "reasons": {"explain.reasons": 0},
    "requests in words": {"words.query": 0.0},
    "learned words": {"words.learned": 0.0},
    "exploring by hand": {"words.invite": 0.0},
    "more and less": {"words.more": 0.0},
    "inferred tags": {"words.inferred": 0.0},
    "exploration": {"explore.uniform": 0.0, "explore.promise": 0.0},
    "trends": {"trends.on": False, "trends.share": 0.0},
    "bots": {"bots.on": False},
    "rising places": {"trends.share": 0.0},
    "fast interest": {"persona.fast": 0.0},
    "slow interest": {"persona.slow": 0.0},
    "co-occurrence": {"persona.together": 0.0},
    "like-minded viewers": {"persona.alike": 0.0},
    "transitions": {"persona.after": 0.0},
    "time of day": {"persona.hour": 0.0},
    "own uploads": {"persona.uploads": 0.0},
    "followed creators": {"persona.followed": 0.0},
    "friends": {"persona.friends": 0.0},
    "popular in locale": {"persona.locale": 0.0},
    "segments": {"persona.segment": 0.0},
    "foreign languages bounded": {"persona.foreign": 1.0},
    "beyond the interests": {"slate.beyond": 0.0},
    "pace": {"slate.bored": 0.0},
    "promotions": {"slate.promoted": 0.0},
    "fatigue": {"slate.fatigue": 0.0},
    "creators' shares": {"slate.creator_gini": 1.0},
    "caps": {"slate.creator_cap": 50, "slate.sound_cap": 50, "slate.tag_cap": 50},
}
"""Mechanism to the settings that switch it off, for ablations: ``feedstream evaluate --ablate`` tries each in turn."""


def changed(base: Tuning, settings: Mapping[str, Any]) -> Tuning:
    """``base`` with ``settings`` by ``section.name``; raises ``ValueError`` that names what is wrong.

    >>> changed(DEFAULT, {"slate.fresh": 0.2}).slate.fresh
    0.2
    >>> changed(DEFAULT, {"slate.fresh": 2})
    Traceback (most recent call last):
    ValueError: slate.fresh: Expected `float` <= 1.0
    """
    tree = msgspec.to_builtins(base)
    for key, value in settings.items():
        section, _, name = key.partition(".")
        if name not in tree.get(section, {}):
            raise ValueError(f"{key}: there is no such setting")
        tree[section][name] = value
        try:
            msgspec.convert(tree, Tuning)
        except msgspec.ValidationError as error:
            raise ValueError(f"{key}: {str(error).partition(' - at ')[0]}") from None
    return msgspec.convert(tree, Tuning)


def described() -> list[tuple[str, str, str]]:
    """(key, default, bounds) of every setting, in order, as the documentation shows them.

    >>> described()[0]
    ('objective.complete', '0.7', '-10 to 10')
    """
    return [
        (f"{section.name}.{field.name}", f"{field.default}", _bounds(field.type))
        for section in msgspec.structs.fields(Tuning)
        for field in msgspec.structs.fields(section.type)
    ]


def _bounds(kind: Any) -> str:
    meta = getattr(kind, "__metadata__", ())
    if not meta:
        return "on or off" if kind is bool else "any"
    low = f"{meta[0].ge:g}" if meta[0].ge is not None else f"above {meta[0].gt:g}"
    return f"{low} to {meta[0].le:g}"
