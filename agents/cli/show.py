"""``feedstream user show``, ``video show`` and ``campaign show``: what is checkpointed of one of them."""

from __future__ import annotations

import sys
from typing import Any

import click
import orjson

from agents.settings import Settings
from agents.stored import opened_store
from schemas.topics import COUNTS

__all__ = ["campaign", "user", "video"]


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
    from agents.copies import known_of  # noqa: PLC0415  # River is slow to import

    with opened_store(Settings.from_env()) as store:
        found = known_of(store, user_id)
    _print(found or {"user_id": user_id, "persona": []}, as_json)
    sys.exit(0 if found else 1)


@video.command("show")
@click.argument("video_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def show_video(video_id: str, as_json: bool) -> None:
    """What is checkpointed of video VIDEO_ID: its nine counts and its record. Exit 1 if nothing is."""
    from agents.life import video_of  # noqa: PLC0415  # River is slow to import

    with opened_store(Settings.from_env()) as store:
        found = video_of(store, video_id)
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
    from agents.campaigns import campaigns_of  # noqa: PLC0415  # River is slow to import

    with opened_store(Settings.from_env()) as store:
        found = campaigns_of(store, [campaign_id])[campaign_id]
    _print({"campaign_id": campaign_id, **found}, as_json)
    sys.exit(0 if any(found.values()) else 1)


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
