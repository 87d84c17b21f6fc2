"""``feedstream reset-user`` and ``forget-user``: what an operator does for a viewer who asks for it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from agents.cli.progress import hush, waiting
from agents.errors import Stop
from agents.settings import Settings

if TYPE_CHECKING:
    from agents.spans import Log, Place, Span

__all__ = ["forget_user", "reset_user"]

_LOOK_S: Final = 0.2


@click.command("reset-user")
@click.argument("user_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def reset_user(user_id: str, as_json: bool) -> None:
    """Forget what was learnt of the tastes of viewer USER_ID until now; what was met and hidden stays.

    The same as feedback of kind `reset` from an app. Events that happened before now say nothing of tastes, whenever
    they come.
    """
    import msgspec  # noqa: PLC0415  # slow to import

    from agents.cli.publishing import publish  # noqa: PLC0415  # the same
    from schemas.events import Feedback  # noqa: PLC0415

    hush()
    now_ms = int(time.time() * 1_000)
    event = Feedback(v=1, event_id=f"reset-{secrets.token_hex(8)}", user_id=user_id, session_id="operator",
                     ts_ms=now_ms, kind="reset")  # fmt: skip
    sent = publish(Settings.from_env(), "events.feedback", user_id, msgspec.json.encode(event), now_ms)
    if as_json:
        click.echo(orjson.dumps({"user_id": user_id, "ts_ms": now_ms, **sent._asdict()}))
    else:
        click.echo(f"tastes of {user_id} are reset: {sent.topic}[{sent.partition}]@{sent.offset}", err=True)


@click.command("forget-user")
@click.argument("user_id")
@click.option("--wait", is_flag=True, help="Wait until it is done, and print the receipt.")
@click.option("--timeout-s", default=60.0, show_default=True, type=click.FloatRange(min=0),
              help="Seconds to wait at most.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def forget_user(user_id: str, wait: bool, timeout_s: float, as_json: bool) -> None:
    """Delete everything that is known of viewer USER_ID, by a null record of `users`; there is no way back.

    The receipt says how much was deleted, by kind; all 0: nothing was known.
    """
    from agents.cli.publishing import publish  # noqa: PLC0415  # the same
    from agents.spans import Log  # noqa: PLC0415

    hush()
    settings = Settings.from_env()
    log = Log(settings.kafka, "feedstream-forget")
    before = log.spans(log.places(["receipts"])) if wait else {}
    now_ms = int(time.time() * 1_000)
    sent = publish(settings, "users", user_id, None, now_ms)
    told: dict[str, Any] = {"user_id": user_id, **sent._asdict()}
    if wait:
        with waiting(f"waiting for the receipt of {user_id}"):
            told["receipt"] = _receipt(log, before, user_id, now_ms, timeout_s)
    if as_json:
        click.echo(orjson.dumps(told))
        return
    click.echo(f"{user_id} is to be forgotten: {sent.topic}[{sent.partition}]@{sent.offset}", err=True)
    if wait:
        deleted = ", ".join(f"{count} {kind}" for kind, count in told["receipt"]["deleted"].items())
        click.echo(f"{told['receipt']['receipt_id']}: deleted {deleted}")


def _receipt(log: Log, before: dict[Place, Span], user_id: str, since_ms: int, timeout_s: float) -> dict[str, Any]:
    """The receipt of an order sent at ``since_ms`` or later, read from where ``before`` ends on."""
    deadline_s = time.monotonic() + timeout_s
    read = {place: span.high for place, span in before.items()}
    while True:
        now = log.spans(read)
        for message in log.read({place: span._replace(low=read[place]) for place, span in now.items()}):
            found: dict[str, Any] = orjson.loads(message.value())
            if found["user_id"] == user_id and found["ts_ms"] >= since_ms:
                return found
        read = {place: span.high for place, span in now.items()}
        if time.monotonic() > deadline_s:
            raise Stop(
                f"no receipt of {user_id} came within {timeout_s:g} s; the order stands: see with `feedstream lag` "
                "whether workers have applied `users`, then look at `feedstream tail receipts --from-start --until-end`"
            )
        time.sleep(_LOOK_S)
