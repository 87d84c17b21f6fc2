"""A toy ranking for one viewer of the fake gateway: tags that were liked score, what was hidden or met does not come.

It is nothing like the engine; it only reacts as the contract says, so that a page can be seen to change.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any, Final

from schemas.reasons import said_of
from streams.why.why import CODES
from streams.words.parsing import clauses

__all__ = ["Toy"]

_WORTH: Final = {"like": 1.0, "save": 0.7, "share": 0.7, "comment": 0.5, "follow": 0.6, "skip": -0.35}
_HIDES: Final = {"hide_creator": "creator_id", "mute": "creator_id", "block": "creator_id", "hide_sound": "sound_id"}
_CHINESE: Final = {"猫": "cats", "足球": "football", "做饭": "cooking", "旅行": "travel"}


class Toy:
    """What one viewer did, and the batches that follow from it. ``seq`` counts the batches."""

    def __init__(self, user: str, videos: dict[str, dict[str, Any]]) -> None:
        self.user, self.videos = user, videos
        self.seq = 0
        self.tags: dict[str, float] = {}
        self.liked: dict[str, dict[str, None]] = {}
        self.hidden: set[tuple[str, str]] = set()
        self.met: set[str] = set()
        self.unseen: list[str] = []
        self.asks: list[tuple[str, str, int]] = []
        self.picked: list[str] = []
        self.personalize = True
        self._signal = False

    def record(self, user: dict[str, Any]) -> None:
        """Take the viewer's record over."""
        self.picked = user.get("interests", [])
        self.personalize = (user.get("settings") or {}).get("personalize", True)

    def take(self, event: dict[str, Any]) -> list[str]:
        """Take one event; the unseen videos that must go because of it."""
        kind, video = event["type"], self.videos.get(event.get("video_id", ""), {})
        sign = -1.0 if event.get("op") == "remove" else 1.0
        if kind == "impression":
            self.met.add(event["video_id"])
            self.unseen = [name for name in self.unseen if name != event["video_id"]]
        if kind in _WORTH and video:
            for tag in video["tags"]:
                self.tags[tag] = self.tags.get(tag, 0.0) + sign * _WORTH[kind]
            self._signal |= kind != "skip"
            if kind == "like":
                self.liked.setdefault(video["category"], {})[video["video_id"]] = None
        return self._feedback(event, video, sign) if kind == "feedback" else []

    def _feedback(self, event: dict[str, Any], video: dict[str, Any], sign: float) -> list[str]:
        kind = event["kind"]
        self._signal = True
        if kind == "reset":
            self.tags, self.liked = {}, {}
            return []
        if kind in ("not_interested", "report", "more_like_this"):
            for tag in video.get("tags", []):
                self.tags[tag] = self.tags.get(tag, 0.0) + sign * (1.0 if kind == "more_like_this" else -1.0)
            return []
        field = _HIDES.get(kind, "tags")
        name = event.get("target") or (video["tags"][0] if field == "tags" else video[field])
        (self.hidden.add if sign > 0 else self.hidden.discard)((field, name))
        gone = [one for one in self.unseen if self._hides(self.videos[one])]
        self.unseen = [one for one in self.unseen if one not in gone]
        return gone

    def due(self) -> str | None:
        """The trigger of the batch that is due now, if one is."""
        signal, self._signal = self._signal, False
        return "signal" if signal else "near_end" if self.seq and len(self.unseen) <= 5 else None

    def asked(self, words: str) -> None:
        """Take a request in words."""
        now = int(time.time() * 1_000)
        for way, text in clauses(words):
            if way == "undo":
                del self.asks[-1:]
            elif way == "reset":
                self.asks = []
            else:
                self.asks.append(("search" if way == "find" else way, _CHINESE.get(text, text), now))

    def _hides(self, video: dict[str, Any]) -> bool:
        return any(name == video[field] or (field == "tags" and name in video["tags"]) for field, name in self.hidden)

    def _parts(self, video: dict[str, Any]) -> dict[str, float]:
        mine = self.tags if self.personalize else {}
        noise = int(hashlib.sha256(f"{self.user}{video['video_id']}".encode()).hexdigest()[:4], 16) / 65_536
        parts = {"usual": 0.4, "popular": video["counts"]["likes"] / 20_000, "fairness": noise * 0.3 - 0.15}
        parts["interest"] = sum(mine.get(tag, 0.0) for tag in video["tags"])
        if video["category"] in self.picked and self.personalize:
            parts["segment"] = 0.25
        for way, text, _ in self.asks:
            if any(text in tag or tag in text for tag in video["tags"]):
                parts["asked"] = parts.get("asked", 0.0) + (-3.0 if way == "less" else 3.0)
        return {name: round(value, 4) for name, value in parts.items() if value}

    def ranked(
        self, limit: int, keep: bool = True, source: str | None = None, explain: bool = False
    ) -> list[dict[str, Any]]:
        """The items of a batch; ``keep``: they are served from now on."""
        pool = [one for name, one in self.videos.items() if name not in self.met and not self._hides(one)]
        if source == "following":
            pool = [one for one in pool if one["creator_id"].startswith("a")]
        parts = {one["video_id"]: self._parts(one) for one in pool}
        if source == "trending":
            order = sorted(pool, key=lambda one: -one["counts"]["likes"])
        else:
            order = sorted(pool, key=lambda one: -sum(parts[one["video_id"]].values()))
        items = [self._item(one, at, parts[one["video_id"]], source) for at, one in enumerate(order[:limit])]
        for item in items:
            item["parts"] = item["parts"] if explain else None
        if keep:
            self.seq += 1
            self.unseen = [item["video_id"] for item in items]
        return items

    def _item(self, video: dict[str, Any], at: int, parts: dict[str, float], source: str | None) -> dict[str, Any]:
        reasons, liked = [], self.liked.get(video["category"], {})
        if parts.get("asked", 0) > 0:
            reasons.append(f"asked:{self.asks[-1][1]}")
        if liked and parts["usual"] and parts.get("interest", 0) > 0:
            reasons.append(f"similar:{next(reversed(liked))}")
        if "segment" in parts:
            reasons.append("interest")
        reasons.append("popular")
        chance, paid = at % 9 == 7, at % 10 == 5
        if chance:
            reasons = ["chance"]
        if paid:
            reasons = ["promoted"]
        word = "promoted" if paid else "chance" if chance else source or reasons[0].partition(":")[0]
        shown = ("creator_id", "duration_ms", "caption", "tags", "sound_id", "lang", "category")
        return {
            "video_id": video["video_id"],
            "position": at,
            "score": round(sum(parts.values()), 4),
            "source": word,
            "reasons": [{"code": code, "text": said_of(code)} for code in reasons[:2]],
            "token": f"t-{self.user}-{video['video_id']}",
            "campaign_id": "autumn" if paid else None,
            "propensity": 0.0042 if chance else None,
            "parts": parts,
            "video": {name: video[name] for name in shown},
        }

    def portrait(self) -> dict[str, Any]:
        """What ``GET /v1/users/{user}`` answers."""
        liked = sorted(((tag, weight) for tag, weight in self.tags.items() if weight > 0), key=lambda one: -one[1])
        total = sum(weight for _, weight in liked) or 1.0
        persona = [{"tag": tag, "weight": round(weight / total, 4)} for tag, weight in liked[:16]]
        return {
            "user_id": self.user,
            "persona": persona,
            "session": persona[:5],
            "avoids": sorted(tag for tag, weight in self.tags.items() if weight < 0),
            "picked": self.picked,
            "active": {"evening": 0.7, "day": 0.3},
            "activity": "casual",
            "scene": "rest",
            "mood": None,
            "asks": {f"{way}: {text}": at for way, text, at in self.asks},
            "met": len(self.met),
            "positives": sum(map(len, self.liked.values())),
            "batches": self.seq,
            "served": len(self.met) + len(self.unseen),
            "last_ms": int(time.time() * 1_000),
        }

    def why(self, video_id: str) -> dict[str, Any]:
        """What ``GET /v1/users/{user}/why/{video}`` answers."""
        video = self.videos.get(video_id)
        code, sentence = "unknown", CODES["unknown"]
        if video is not None and video_id in self.met:
            code, sentence = "met", CODES["met"]
        elif video is not None and self._hides(video):
            code, sentence = "hidden", f"the viewer hides it: {next(iter(self.hidden))[1]}"
        elif video_id in self.unseen:
            code, sentence = "shown", CODES["shown"].format(position=self.unseen.index(video_id))
        elif video is not None:
            code, sentence = "outranked", "its score is below that of the last one shown; it lacks most in interest"
        parts = self._parts(video) if video is not None and code in ("shown", "outranked") else None
        return {"user_id": self.user, "video_id": video_id, "code": code, "sentence": sentence, "parts": parts}
