"""``feedstream creator show``: what a creator has come to: followers, views, audience, uploads and their tiers."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

import click
import orjson

from agents.cli.progress import hush
from agents.settings import Settings
from agents.stored import opened_store

__all__ = ["creator"]

_SHOWN: Final = 20
"""Rows of a table for people; JSON has all of them."""


@click.group()
def creator() -> None:
    """Show what a creator has come to."""


@creator.command("show")
@click.argument("creator_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def show(creator_id: str, as_json: bool) -> None:
    """What is checkpointed and published of creator CREATOR_ID. Exit 1 if nothing is.

    Exact: followers (of each viewer the 1,024 creators followed or left last), feed views (watches of today and the 29
    days before, UTC, of uploads that were not removed), audience.viewers (who met an upload, of each viewer the latest
    8,192 videos met), and exposures, likes, tier and standing of each upload.

    Approximate: audience.segments, each viewer in the one nearest to the own taste now, as the learner last told; who
    turned personalisation off, or has no taste yet, is in none. So is audience.activity.

    The history of tiers goes back as far as the topic tiers does; what is gone of it is counted.

    It reads the rows of all videos and viewers, and the topics tiers and models: seconds to minutes.
    """
    from agents.creator import NOBODY, creator_of  # noqa: PLC0415  # Kafka's client and River are slow to import

    hush()
    settings, now_ms = Settings.from_env(), int(time.time() * 1_000)
    bootstrap = settings.kafka
    with opened_store(settings) as store:
        found = creator_of(store, bootstrap, creator_id, now_ms)
    told = found or {"creator_id": creator_id, **NOBODY}
    if as_json:
        sys.stdout.write(orjson.dumps(told).decode() + "\n")
    else:
        _print(told)
    sys.exit(0 if found else 1)


def _print(told: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console(soft_wrap=True, highlight=False)
    table = Table(show_header=False)
    for name in ("creator_id", "followers", "feed_views_30d"):
        table.add_row(name, escape(str(told[name])))
    for name, value in told.get("audience", {}).items():
        if isinstance(value, dict):
            shares = ", ".join(f"{one}: {count}" for one, count in value.items())
            table.add_row(f"audience.{name} (approximate)", escape(shares))
        elif name != "approximate":
            table.add_row(f"audience.{name}", str(value))
    console.print(table)
    headed = ("video", "created", "tier", "standing", "exposures", "likes", "feed views, 30 days")
    _listed(console, "uploads, the latest first", headed, [_upload(one) for one in told["uploads"]])
    headed = ("when", "video", "decision", "tier", "spent/budget", "score/bar", "chance of the top")
    history = [_decision(one) for one in reversed(told.get("tier_history", []))]
    _listed(console, "history of tiers, the latest first", headed, history)
    if gone := told.get("tier_decisions_gone"):
        console.print(f"{gone} earlier decisions are not kept any more", markup=False)


def _listed(console: Any, title: str, headed: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """A table of the first rows, and how many more there are; nothing where there is none."""
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    if not rows:
        return
    table = Table(title=title, title_justify="left")
    for name in headed:
        table.add_column(name, overflow="fold")
    for row in rows[:_SHOWN]:
        table.add_row(*(escape(str(value)) for value in row))
    console.print(table)
    if len(rows) > _SHOWN:
        console.print(f"and {len(rows) - _SHOWN} more: --json prints all of them", markup=False)


def _upload(one: dict[str, Any]) -> tuple[Any, ...]:
    created = f"{datetime.fromtimestamp(one['created_ms'] / 1_000, UTC):%Y-%m-%d}"
    numbers = (one[name] for name in ("tier", "standing", "exposures", "likes", "feed_views_30d"))
    return one["video_id"], created, *numbers


def _decision(one: dict[str, Any]) -> tuple[Any, ...]:
    when = f"{datetime.fromtimestamp(one['ts_ms'] / 1_000, UTC):%Y-%m-%d %H:%M}"
    spent, score = f"{one['spent']}/{one['budget']}", f"{one['score']:.2f}/{one['bar']:.2f}"
    hit = f"{one['hit']:.3f}" if "hit" in one else ""
    return when, one["video_id"], one["decision"], f"{one['from']} → {one['to']}", spent, score, hit
