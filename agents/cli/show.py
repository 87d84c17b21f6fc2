"""``feedstream user show``, ``video show`` and ``campaign show``: what is checkpointed of one of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click
import numpy as np
import orjson

from agents.errors import Stop
from agents.settings import Settings
from agents.store import ShardId, Store, StoreUnavailable
from schemas.partitioner import partition
from schemas.topics import COUNTS

__all__ = ["campaign", "reading", "user", "video", "viewer_of"]

Found = TypeVar("Found")


@click.group()
def user() -> None:
    """Show what is known of a viewer."""


@click.group()
def video() -> None:
    """Show a video's counts."""


@user.command("show")
@click.argument("user_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def show_user(user_id: str, as_json: bool) -> None:
    """What is checkpointed of viewer USER_ID: persona, met and served videos. Exit 1 if nothing is."""
    found = reading(lambda store: viewer_of(store, user_id))
    _print(found or {"user_id": user_id, "persona": []}, as_json)
    sys.exit(0 if found else 1)


@video.command("show")
@click.argument("video_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def show_video(video_id: str, as_json: bool) -> None:
    """What is checkpointed of video VIDEO_ID: its nine counts and its record. Exit 1 if nothing is."""
    found = reading(lambda store: _video(store, video_id))
    _print(found or {"video_id": video_id, "counts": dict.fromkeys(COUNTS, 0)}, as_json)
    sys.exit(0 if found else 1)


@click.group()
def campaign() -> None:
    """Show what came of a campaign."""


@campaign.command("show")
@click.argument("campaign_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def show_campaign(campaign_id: str, as_json: bool) -> None:
    """What is checkpointed of campaign CAMPAIGN_ID: served, impressions, views and clicks. Exit 1 if nothing is."""
    found = reading(lambda store: _campaign(store, campaign_id))
    _print({"campaign_id": campaign_id, **found}, as_json)
    sys.exit(0 if any(found.values()) else 1)


def reading(read: Callable[[Store], Found]) -> Found:
    """What ``read`` finds in the store of the settings; raises ``Stop`` where that does not answer."""
    settings = Settings.from_env()
    store = Store(settings.store_url, settings.namespace)
    try:
        store.ping()
        return read(store)
    except StoreUnavailable as error:
        raise Stop(f"Redis is unreachable: {error}; check FEEDSTREAM_REDIS") from None
    finally:
        store.close()


def _row(store: Store, kind: str, setting: str, name: str, keys: list[bytes]) -> list[bytes | None]:
    count = store.stored_layout().get(setting)
    return [None] * len(keys) if count is None else store.mget(ShardId(kind, partition(name.encode(), count)), keys)


def viewer_of(store: Store, user_id: str) -> dict[str, Any] | None:
    from streams.ranking.desk import FeedRow, feed_key  # noqa: PLC0415  # River is slow to import
    from streams.shards.keys import viewer_key  # noqa: PLC0415
    from streams.viewer.portrait import portrait, refs  # noqa: PLC0415
    from streams.viewer.viewers import ViewerTable  # noqa: PLC0415
    from streams.words.asks import decode_asks, put_asks, readable  # noqa: PLC0415  # the same

    value, feed = _row(store, "u", "user_partitions", user_id, [viewer_key(user_id), feed_key(user_id)])
    if value is None:
        return None
    table = ViewerTable()
    table.decode([user_id], [value])
    row = table.row_of[user_id]
    now_ms = int(max(table.last_ms[row], time.time() * 1_000))
    known = portrait(table, row, store.names(refs(table, row)), now_ms)
    ledger = None
    if feed is not None:
        import msgspec  # noqa: PLC0415

        ledger = msgspec.msgpack.decode(feed, type=FeedRow)
    return {
        "user_id": user_id,
        **known,
        "asks": readable(put_asks(table.asks[row], decode_asks(ledger.asks if ledger else b""))),
        "met": len(table.met[row]),
        "positives": int(table.positives[row]),
        "batches": ledger.seq if ledger else 0,
        "served": len(np.frombuffer(ledger.served, dtype=np.uint64)) if ledger else 0,
        "last_ms": int(table.last_ms[row]),
    }


def _video(store: Store, video_id: str) -> dict[str, Any] | None:
    import msgspec  # noqa: PLC0415

    from streams.shards.video_shard import decode_state, video_key  # noqa: PLC0415
    from streams.tiers.tiers import STANDINGS, exposed  # noqa: PLC0415
    from streams.video.videos import NUMBERS  # noqa: PLC0415

    (value,) = _row(store, "v", "video_partitions", video_id, [video_key(video_id)])
    if value is None:
        return None
    state = decode_state(value)
    numbers = np.frombuffer(state.numbers, dtype=NUMBERS)[0]
    return {
        "video_id": video_id,
        "counts": dict(zip(COUNTS, numbers["counts"].tolist(), strict=True)),
        "tier": int(numbers["tier"]),
        "standing": STANDINGS[int(numbers["status"])],
        "spent": int(exposed(numbers["counts"]) - numbers["start"]),
        "active": state.active,
        "video": msgspec.to_builtins(state.video),
        "last_ms": int(numbers["last_ms"]),
    }


def _campaign(store: Store, campaign_id: str) -> dict[str, int]:
    from streams.control.promotions import SPENT_KEY, Pacer  # noqa: PLC0415  # River is slow to import
    from streams.control.reports import REPORT_KEY, REPORTED, Reports  # noqa: PLC0415

    made = dict.fromkeys(("served", *REPORTED), 0)
    for shard in store.shards():
        if shard.kind == "u":
            pacer, reports = Pacer(), Reports()
            spent, counted = store.mget(shard, [SPENT_KEY, REPORT_KEY])
            pacer.decode(spent)
            reports.decode(counted)
            told = (pacer.spent[campaign_id], *reports.counts.get(campaign_id, (0,) * len(REPORTED)))
            made = {name: made[name] + count for name, count in zip(made, told, strict=True)}
    return made


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_header=False)
    for name, value in found.items():
        if isinstance(value, dict):
            for inner, number in value.items():
                table.add_row(f"{name}.{inner}", str(number))
        elif isinstance(value, list):
            words = (one if isinstance(one, str) else f"{one['tag']} {one['weight']:.2f}" for one in value)
            table.add_row(name, ", ".join(words))
        else:
            table.add_row(name, str(value))
    Console().print(table)
