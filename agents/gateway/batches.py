"""Batches as they are shown to HTTP callers, without what must not be shown any more."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from agents.gateway.answers import FeedAnswer, Item, Reason, Record
from agents.gateway.cursors import cursor_of
from agents.gateway.hub import Hub
from agents.gateway.tokens import Tokens
from schemas.feeds import FeedBatch, FeedItem
from schemas.reasons import said_of

__all__ = ["Batches"]


class Batches:
    """Puts batches into answers; ``tokens`` sign what is handed out."""

    def __init__(self, hub: Hub, tokens: Tokens) -> None:
        self._hub, self._tokens = hub, tokens

    def visible(self, user_id: str, items: Iterable[FeedItem], country: str | None) -> list[FeedItem]:
        """Items that were not hidden by the viewer, taken down or gone since they were served."""
        hub, barred, row_of = self._hub, self._hub.barred(country), self._hub.replica.catalogue.row_of
        return [
            item
            for item in items
            if not hub.hides.hides(user_id, item.video_id, hub.record(item.video_id))
            and row_of.get(item.video_id, -1) not in barred
            and not hub.gone(item.video_id)
        ]

    def answer(
        self, batch: FeedBatch, items: Sequence[FeedItem], *, reflects: bool = True, more: bool = True
    ) -> FeedAnswer:
        """A batch as an answer, with these of its items."""
        return FeedAnswer(
            user_id=batch.user_id,
            batch_id=batch.batch_id,
            seq=batch.seq,
            trigger=batch.trigger,
            model=batch.model,
            ts_ms=batch.ts_ms,
            fallback=None,
            as_of=batch.as_of,
            reflects=reflects,
            arms=batch.arms,
            items=[self._item(item, batch.user_id, batch.batch_id) for item in items],
            next_cursor=cursor_of(batch.seq, items[-1].video_id) if items and more else None,
        )

    def instead(self, user_id: str, items: Sequence[FeedItem]) -> FeedAnswer:
        """Popular items in place of a batch that did not come."""
        return FeedAnswer(
            user_id=user_id,
            batch_id=None,
            seq=None,
            trigger=None,
            model=None,
            ts_ms=int(time.time() * 1_000),
            fallback="popular",
            as_of={},
            reflects=False,
            arms={},
            items=[self._item(item, user_id, "popular") for item in items],
            next_cursor=None,
        )

    def _item(self, item: FeedItem, user_id: str, batch_id: str) -> Item:
        video = self._hub.record(item.video_id)
        return Item(
            video_id=item.video_id,
            position=item.position,
            score=item.score,
            source=item.source,
            reasons=[Reason(code=code, text=_said(code)) for code in item.reasons],
            parts=item.parts,
            propensity=item.propensity,
            campaign_id=item.campaign_id,
            token=self._tokens.sign(user_id, item.video_id, batch_id, item.position, int(time.time())),
            video=None if video is None else Record.of(video),
        )


def _said(code: str) -> str:
    try:
        return said_of(code)
    except KeyError:  # of a newer worker
        return code
