"""Reasons: why an item stands in a batch, a closed list of codes with a sentence for people, and where items come from.

A code is a word, and for some a name after a colon: ``tag:travel``. Translations start from the word; whatever a
consumer does not know it may leave out.
"""

from __future__ import annotations

from typing import Final

__all__ = ["REASONS", "SOURCES", "reason_table", "said_of", "source_table"]

REASONS: Final[dict[str, tuple[str, str]]] = {
    "tag": ("because you watched {}", "tag"),
    "interest": ("because it is like what you watch", ""),
    "length": ("because it is about as long as what you watch", ""),
    "similar": ("because you liked {}", "video_id"),
    "next": ("because it is often liked after what you liked last", ""),
    "peers": ("because viewers with your taste liked it", ""),
    "creator": ("because you like what {} makes", "creator_id"),
    "sound": ("because you liked the sound {}", "sound_id"),
    "followed": ("because you follow its creator", ""),
    "friends": ("because people you follow or often watch liked it", ""),
    "hour": ("because it is what you like at this time", ""),
    "locale": ("because it is in your language or liked where you live", ""),
    "segment": ("because it is liked among viewers like you", ""),
    "trending": ("because it is on the rise", ""),
    "popular": ("because many like it", ""),
    "fresh": ("because it is new to nearly everybody", ""),
    "chance": ("because now and then we show anything", ""),
    "promise": ("because it might be what you like best", ""),
    "rising": ("because it has just begun to rise", ""),
    "beyond": ("because you may like something else", ""),
    "fatigue": ("because you have not seen much like it lately", ""),
    "fairness": ("because its creator is not shown often", ""),
    "rules": ("because this service recommends it", ""),
    "pinned": ("because this service shows it first", ""),
    "promoted": ("because it is paid for", ""),
    "objective": ("because of what this feed is tuned for", ""),
    "asked": ("because you asked for {}", "query"),
    "inferred": ("because it seems to be about what you watch", ""),
    "own": ("because this service picked it for you", ""),
    "rest": ("because what fits better is used up", ""),
}
"""Word to (sentence, what is named after the colon: nothing where it is empty)."""

SOURCES: Final[dict[str, str]] = {
    "interest": "interest neighbours: near the viewer's tastes, by content, tags and picked categories",
    "length": "of the length the viewer watches",
    "similar": "co-occurrence: liked by those who liked the viewer's latest positives; asked for with `seed_video_id`",
    "next": "transitions: liked right after what the viewer liked last",
    "peers": "like-minded viewers liked it",
    "creator": "by a creator the viewer likes",
    "sound": "with a sound the viewer likes",
    "followed": "by a creator the viewer follows",
    "friends": "liked by people whom the viewer follows or has often to do with",
    "hour": "fits what the viewer likes at this time of day and on this kind of day, or the scene",
    "locale": "in the viewer's language, or popular in it or in the viewer's country",
    "segment": "popular in the viewer's segment, while little is known of the viewer",
    "trending": "liked more than expected lately; asked for with `source: trending`",
    "popular": "liked by many, at the viewer's usual level",
    "fresh": "exploration: met by few so far, takes a place kept for such videos",
    "chance": "exploration: drawn from everything that may be shown, with its `propensity`",
    "promise": "exploration: drawn by how likely it is to be the best, with its `propensity`",
    "rising": "on the rise, or under a tag or sound that is: takes a place kept for such videos",
    "beyond": "exploration: good by itself, of a subject the viewer has little to do with",
    "fatigue": "unlike what was shown often lately in vain",
    "fairness": "by a creator who is not shown often",
    "rules": "boosted by an operator's rule",
    "pinned": "pinned by an operator's rule",
    "promoted": "paid for by a campaign",
    "objective": "worth most by the declared objective",
    "asked": "fits what the viewer asked for in words, wanted more of, or has just opened",
    "inferred": "untagged, and seems to be about what the viewer watches",
    "own": "named by the operator's own candidate source, or lifted by the own scorer",
    "following": "asked for with `source: following`",
}
"""Where an item came from, in a word, and what the word means."""


def said_of(code: str) -> str:
    """The sentence of a reason code; raises ``KeyError`` for a word that is not in the list.

    >>> said_of("tag:travel")
    'because you watched travel'
    >>> said_of("similar")
    'because you liked something like it'
    """
    word, _, name = code.partition(":")
    return REASONS[word][0].format(name or "something like it")


def reason_table() -> str:
    """The codes as a Markdown table.

    >>> reason_table().splitlines()[2]
    '| `tag:<tag>` | because you watched … |'
    """
    rows = ["| reason | sentence |", "|---|---|"]
    for word, (sentence, named) in REASONS.items():
        code = f"{word}:<{named}>" if named else word
        rows.append(f"| `{code}` | {sentence.format('…')} |")
    return "\n".join(rows)


def source_table() -> str:
    """The sources as a Markdown table.

    >>> source_table().splitlines()[0]
    '| source | where the item came from |'
    """
    rows = [f"| `{name}` | {text} |" for name, text in SOURCES.items()]
    return "\n".join(["| source | where the item came from |", "|---|---|", *rows])
