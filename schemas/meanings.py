"""Meanings: what each field of an event says, in a sentence, for the pages and documents that are made from it.

A test holds the table to the structs: no field without a meaning, no meaning without a field.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MEANINGS", "meaning"]

MEANINGS: Final[dict[str, str]] = {
    "v": "the version of the wire",
    "event_id": "made up by the producer, the same whenever the event is sent again",
    "user_id": "the viewer; the record's key is the same",
    "session_id": "the viewer's session in the app",
    "video_id": "the video; it need not be announced yet",
    "ts_ms": "when it happened, UTC milliseconds; 24 hours past the time of sending at most",
    "impression_id": "one showing of the video; absent, the session and the video stand in for it",
    "batch_id": "the batch that the video came in",
    "position": "the video's place in that batch, from 0",
    "surface": "where in the app",
    "creator_id": "the video's uploader, a `user_id`",
    "seq": "counts the events of a session as the app saw them",
    "ctx": "where and on what the viewer watches",
    "watch.ts_ms": "when the time was taken, at the end of what was watched, UTC milliseconds",
    "watch.watch_ms": "how long it was watched so far in this impression; the largest report counts",
    "watch.duration_ms": "how long the video is; 0: a still picture or unknown",
    "watch.loops": "how often it was played, 1.5 or more is a rewatch; absent, it follows from the time",
    "watch.muted": "whether the sound was off",
    "watch.end_reason": "why it ended: `ended`, `swiped`, `closed`, `background`, `error` or `stalled`",
    "op": "`remove` takes an earlier `add` back",
    "share.channel": "what it was shared through",
    "skip.watch_ms": "how long it was watched before: the earlier, the more it says",
    "comment.comment_id": "the comment; a later event on it is about the same comment",
    "comment.length": "how many characters the comment has",
    "comment.sentiment": "-1 hostile to 1 warm; below -0.5 it does not speak for the video",
    "comment.labels": "what a moderator calls it; `negative` counts where there is no sentiment",
    "follow.creator_id": "whom the viewer follows; absent, the video's creator",
    "impression.visible_ms": "how long it was visible",
    "feedback.kind": "what the viewer says",
    "feedback.target": "the creator, sound or tag that is meant; absent, that of the video",
    "feedback.reason": "the viewer's reason",
    "feedback.video_id": "the video; absent where it makes no sense",
    "action.kind": "which gesture",
    "action.target": "what was opened: a creator, a tag, a sound, an effect or a trend",
    "action.dwell_ms": "how long the viewer stayed there",
    "action.query": "what was searched for",
    "action.video_id": "the video; absent where it makes no sense",
    "ctx.lang": "the app's language",
    "ctx.country": "the country the viewer is in",
    "ctx.tz_min": "minutes that the viewer's clock is ahead of UTC",
    "ctx.device": "what kind of device",
    "ctx.net": "what kind of network",
}
"""Field, or verb and field where the verb gives it a meaning of its own, to what it says."""


def meaning(owner: str, name: str) -> str:
    """What the field ``name`` says in ``owner``, a verb or ``ctx``.

    >>> meaning("skip", "watch_ms")
    'how long it was watched before: the earlier, the more it says'
    """
    return MEANINGS.get(f"{owner}.{name}") or MEANINGS[name]
