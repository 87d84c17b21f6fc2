"""Stored: what is checkpointed, for whoever looks at it without owning anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from agents.errors import Stop
from agents.settings import Settings
from agents.store import ShardId, Store, StoreUnavailable
from schemas.partitioner import partition

__all__ = ["opened_store", "rows_of"]

_COUNT: Final = {"u": "user_partitions", "v": "video_partitions"}


@contextlib.contextmanager
def opened_store(settings: Settings) -> Iterator[Store]:
    """The store of the settings, closed afterwards; raises ``Stop`` where it does not answer, then or later."""
    store = Store(settings.store_url, settings.namespace)
    try:
        store.ping()
        yield store
    except StoreUnavailable as error:
        raise Stop(f"Redis is unreachable: {error}; check FEEDSTREAM_REDIS") from None
    finally:
        store.close()


def rows_of(store: Store, kind: str, name: str, keys: Sequence[bytes]) -> list[bytes | None]:
    """Rows ``keys`` in the shard of a viewer (``kind`` u) or a video (v) called ``name``; None each where there are
    none. Raises ``StoreUnavailable``.
    """
    count = store.stored_layout().get(_COUNT[kind])
    return [None] * len(keys) if count is None else store.mget(ShardId(kind, partition(name.encode(), count)), keys)
