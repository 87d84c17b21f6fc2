"""The rival: the same job written the plain way, one Faust agent with River's ``learn_one`` and Redis calls per event.

Written as well as a good Faust user would: msgspec decodes, hiredis parses, both round trips of an event are one
pipeline each, videos are cached, the heads share one scaler, nothing is learnt from a bare impression, and a duplicate
writes nothing. It does less than feedstream: no persona, no neighbours, no collaborative vectors, no checkpoint, and a
crash between its writes and its commit counts twice what is not idempotent. In one thing it does more: it learns from
every example that is due, while feedstream learns from a sample where many come at once (``limits.OPENED`` and
``limits.GROUPS`` a frame and shard), each weighing for those left out. The ratio holds that difference too.

    python -m benchmarks.plain HOST:PORT REDIS_URL PREFIX GROUP     reads PREFIX + verb, prints its progress
"""

from __future__ import annotations

import asyncio
import math
import sys
from typing import Any, Final

import msgspec
import numpy as np
import orjson
import redis.asyncio as aioredis
from river import linear_model, metrics, optim, preprocessing

from benchmarks.transport import plain_app
from schemas.catalogue import Video
from schemas.events import EVENTS
from streams.video.content import content_vector

__all__ = ["EVERY", "HEADS", "Plain"]

HEADS: Final = ("long_view", "like", "share", "skip")
EVERY: Final = 250
"""Events between two lines of progress."""
_COUNT: Final = {
    "impression": "impressions", "watch": "watches", "skip": "skips", "share": "shares",
    "comment": "comments", "like": "likes", "save": "saves", "follow": "follows",
}  # fmt: skip
_LATEST: Final = frozenset({"like", "save", "follow", "comment"})
_RATES: Final = ("impressions", "watches", "watch_ms", "likes", "shares", "skips", "comments", "follows", "saves")
_REWARD: Final = {"long_view": 1.0, "like": 2.0, "share": 3.0, "skip": -0.5}
_HALF_LIFE_MS: Final = 1_200_000.0
_DIM: Final = 32


class Plain:
    """Counts, interests and heads; state in Redis, models in memory."""

    def __init__(self, client: Any) -> None:
        self._redis = client
        self._decoders = {topic.removeprefix("events."): msgspec.json.Decoder(kind) for topic, kind in EVENTS.items()}
        self._video = msgspec.json.Decoder(Video)
        self._content: dict[str, np.ndarray] = {}
        self._none = np.zeros(_DIM, dtype=np.float32)
        self.scaler = preprocessing.StandardScaler()
        self.heads = {name: linear_model.LogisticRegression(optim.AdaGrad(0.1), l2=1e-6) for name in HEADS}
        self.losses = {name: metrics.LogLoss() for name in HEADS}

    def announce(self, value: bytes) -> None:
        """A record of ``videos``."""
        video = self._video.decode(value)
        self._content[video.video_id] = content_vector(video)

    async def handle(self, verb: str, value: bytes) -> None:
        """One event: read what it touches, count, move the interest, learn, write what changed."""
        event = self._decoders[verb].decode(value)
        if event.video_id is None or verb not in _COUNT:
            return
        pair, video, viewer = f"o:{event.user_id}:{event.video_id}", f"v:{event.video_id}", f"i:{event.user_id}"
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(pair)
            pipe.hmget(video, _RATES)
            pipe.get(viewer)
            facts, counts, interest = await pipe.execute()
        name, fact, change, watch_ms = _merged(verb, event, facts)
        if fact is None:
            return
        before = _labels(facts)
        facts[name] = fact
        if verb == "watch":
            facts[b"duration_ms"] = b"%d" % event.duration_ms
        after = _labels(facts)
        content = self._content.get(event.video_id, self._none)
        vector, at_ms = _interest(interest)
        self._learn(verb, _features(counts, content, vector, facts), before, after)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(pair, mapping={name: fact, b"duration_ms": facts.get(b"duration_ms", b"0")})
            if change:
                pipe.hincrby(video, _COUNT[verb], change)
            if watch_ms:
                pipe.hincrby(video, "watch_ms", watch_ms)
            worth = sum(_REWARD[head] * (after[head] - before[head]) for head in HEADS)
            if worth:
                pipe.set(viewer, _moved(vector, at_ms, content, worth, event.ts_ms))
            await pipe.execute()

    def _learn(self, verb: str, x: dict[str, float], before: dict[str, int], after: dict[str, int]) -> None:
        """Predict, then learn: all heads when a showing ends, the others when their label changes."""
        ended = verb in {"watch", "skip"}
        due = [head for head in HEADS if ended or before[head] != after[head]]
        if not due:
            return
        if ended:
            self.scaler.learn_one(x)
        scaled = self.scaler.transform_one(x)
        for head in due:
            label = bool(after[head])
            self.losses[head].update(label, self.heads[head].predict_proba_one(scaled))
            self.heads[head].learn_one(scaled, label)


def _merged(verb: str, event: Any, facts: dict[bytes, bytes]) -> tuple[bytes, bytes | None, int, int]:
    """Field and new value of the event's fact (None: nothing changed), change of the count, more watch time."""
    if verb in _LATEST:
        name = f"c:{event.comment_id}".encode() if verb == "comment" else verb.encode()
        new, old = event.ts_ms * 2 + (event.op == "remove"), int(facts.get(name, b"-1"))
        stood, stands = old >= 0 and old % 2 == 0, new % 2 == 0
        return (name, b"%d" % new, stands - stood, 0) if new > old else (name, None, 0, 0)
    if verb == "share":
        name = f"h:{event.event_id}".encode()
        return (name, b"1", 1, 0) if name not in facts else (name, None, 0, 0)
    name = f"{verb[0]}:{event.impression_id or event.session_id}".encode()
    old = int(facts.get(name, b"-1"))
    if verb == "watch":
        more = event.watch_ms - max(old, 0)
        return (name, b"%d" % event.watch_ms, int(old < 0), more) if event.watch_ms > old else (name, None, 0, 0)
    return (name, b"1", 1, 0) if old < 0 else (name, None, 0, 0)


def _labels(facts: dict[bytes, bytes]) -> dict[str, int]:
    watched = max((int(value) for name, value in facts.items() if name.startswith(b"w:")), default=-1)
    like = int(facts.get(b"like", b"-1"))
    return {
        "long_view": int(watched >= 0.8 * max(int(facts.get(b"duration_ms", b"0")), 1)),
        "like": int(like >= 0 and like % 2 == 0),
        "share": int(any(name.startswith(b"h:") for name in facts)),
        "skip": int(any(name.startswith(b"s:") for name in facts)),
    }


def _interest(stored: bytes | None) -> tuple[np.ndarray, int]:
    if stored is None:
        return np.zeros(_DIM, dtype=np.float32), 0
    return np.frombuffer(stored, dtype=np.float32, offset=8), int.from_bytes(stored[:8], "little")


def _moved(vector: np.ndarray, at_ms: int, content: np.ndarray, worth: float, ts_ms: int) -> bytes:
    newest = max(at_ms, ts_ms)
    fade = 2.0 ** ((at_ms - newest) / _HALF_LIFE_MS)
    late = 2.0 ** ((ts_ms - newest) / _HALF_LIFE_MS)
    moved = vector * np.float32(fade) + content * np.float32(worth * late)
    return newest.to_bytes(8, "little") + moved.tobytes()


def _features(
    counts: list[bytes | None], content: np.ndarray, vector: np.ndarray, facts: dict[bytes, bytes]
) -> dict[str, float]:
    shown, watches, watch_ms, likes, shares, skips, comments, follows, saves = (float(one or 0) for one in counts)
    size = math.sqrt(float(vector @ vector)) + 1.0
    return {
        "log_impressions": math.log1p(shown),
        "log_likes": math.log1p(likes),
        "like_rate": (likes + 0.5) / (shown + 20.0),
        "share_rate": (shares + 0.1) / (shown + 20.0),
        "comment_rate": (comments + 0.5) / (shown + 20.0),
        "follow_rate": (follows + 0.1) / (shown + 20.0),
        "save_rate": (saves + 0.1) / (shown + 20.0),
        "skip_rate": (skips + 1.0) / (shown + 4.0),
        "watch_s": watch_ms / (watches + 1.0) / 1_000.0,
        "log_duration": math.log1p(int(facts.get(b"duration_ms", b"0")) / 1_000.0),
        "content": float(vector @ content) / size,
        "interest": size,
    }


def main(bootstrap: str, url: str, prefix: str, group: str) -> None:
    """The agent, run as Faust runs a worker."""
    client = aioredis.Redis.from_url(url)
    plain = Plain(client)
    app = plain_app(group, bootstrap)
    done = 0

    async def read(stream: Any) -> None:
        nonlocal done
        async for event in stream.events():
            verb = event.message.topic.removeprefix(prefix)
            if verb == "videos":
                plain.announce(event.value)
                continue
            await plain.handle(verb, event.value)
            done += 1
            if done % EVERY == 0:
                print(orjson.dumps({"done": done}).decode(), flush=True)

    names = [prefix + topic.removeprefix("events.") for topic in EVENTS] + [f"{prefix}videos"]
    app.agent(app.topic(*names, value_serializer="raw", value_type=bytes))(read)

    async def run() -> None:
        await app.start()
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
