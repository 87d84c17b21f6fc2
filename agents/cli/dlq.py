"""``feedstream dlq``: dead letters listed, looked at, and sent again once nothing is wrong with them any more."""

from __future__ import annotations

import base64
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click
import msgspec
import orjson

from agents.cli.progress import counted, hush
from agents.errors import Stop
from agents.settings import Settings

if TYPE_CHECKING:
    from agents.resending import Judged, Letter
    from agents.spans import Log
    from agents.store import Store

__all__ = ["dlq"]


class Repaired(msgspec.Struct, kw_only=True):
    """A line of the file of ``--repaired``: the letter's id, its new value, and its new key where that was bad."""

    id: str
    value: msgspec.Raw
    key: str | None = None


@dataclass(frozen=True, slots=True)
class _Ground:
    settings: Settings
    log: Log
    store: Store


@click.group()
def dlq() -> None:
    """List, show and send again what workers could not read."""
    hush()


@dlq.command("list")
@click.option("--cause", help="Only letters of this cause: json, type, missing, key, time …")
@click.option("--topic", help="Only letters that came from this topic.")
@click.option("--counts", is_flag=True, help="Only how many there are, by cause and by topic.")
@click.option("-n", "--count", type=click.IntRange(min=1), help="Stop after so many letters.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a letter, or one of counts.")
def list_(cause: str | None, topic: str | None, counts: bool, count: int | None, as_json: bool) -> None:
    """Every dead letter: why it is one, whence it came, and what would become of it if it were sent again."""
    causes: Counter[str] = Counter()
    topics: Counter[str] = Counter()
    with _ground() as ground:
        for at, one in enumerate(_selected(ground, {}, cause, topic), 1):
            causes[one.letter.cause] += 1
            topics[one.letter.topic] += 1
            if not counts:
                click.echo(orjson.dumps(_told(one)) if as_json else _line(one))
            if at == count:
                break
    if counts and as_json:
        click.echo(orjson.dumps({"letters": causes.total(), "causes": causes, "topics": topics}))
    elif not as_json:
        said = ", ".join(f"{name} {number}" for name, number in causes.most_common())
        click.echo(f"{causes.total()} dead letters" + f": {said}" * bool(said))


@dlq.command()
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def show(name: str, as_json: bool) -> None:
    """Dead letter ID (topic:partition:offset, as `list` prints it) byte for byte, and what would be refused now."""
    from agents.resending import judged, letters  # noqa: PLC0415  # Kafka's client takes long to load

    with _ground() as ground:
        found = letters(ground.log, _spans(ground.log, [name]))
        blocks = list(judged(found, {}, ground.log, ground.store, ground.settings, _now_ms()))
    if not blocks:
        raise Stop(f"there is no dead letter {name}: see `feedstream dlq list`")
    one = blocks[0][0]
    told = _told(one) | _content(one.letter)
    if as_json:
        click.echo(orjson.dumps(told))
        return
    for field, value in told.items():
        if field != "raw":
            click.echo(f"{field:<12} {value if isinstance(value, str) else orjson.dumps(value).decode()}")
    if "value" not in told:
        click.echo(f"{'bytes':<12} {(one.letter.value or b'').decode('utf-8', 'backslashreplace')}")


@dlq.command("replay")
@click.argument("names", nargs=-1, metavar="[ID]…")
@click.option("--cause", help="Only letters of this cause.")
@click.option("--topic", help="Only letters that came from this topic.")
@click.option("--repaired", type=click.File("rb"),
              help="Lines of JSON with id, value and perhaps key: send these letters so.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Send nothing, say what would be sent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def replay_(
    names: tuple[str, ...], cause: str | None, topic: str | None, repaired: Any, dry_run: bool, as_json: bool
) -> None:
    """Send dead letters to the topics they came from: those with ID, those that are repaired, or all.

    Only what workers would take now is sent, byte for byte, each record once, also over several runs. Exit 1 if a
    letter that was named could not be sent.
    """
    fates: Counter[str] = Counter()
    said: list[Judged] = []
    with _ground() as ground:
        mends = _mends(repaired) if repaired else {}
        asked = [*names, *mends]
        mended = _mended(mends, ground.log)
        for block in _blocks(ground, mended, cause, topic, asked):
            if not dry_run:
                _send(ground, [one.letter for one in block if one.fate == "send"])
            fates.update(one.fate for one in block)
            said += [one for one in block if asked or one.fate == "send"]
    lost = sorted(set(asked) - {one.letter.id for one in said})
    left = [one for one in said if one.fate != "send"]
    sent = fates.pop("send", 0)
    if as_json:
        rows = [_told(one) for one in said]
        click.echo(orjson.dumps({"sent": 0 if dry_run else sent, "would_send": sent, "left": fates, "letters": rows,
                                 "unknown": lost}))  # fmt: skip
    else:
        for one in said:
            done = ("would be sent" if dry_run else "sent") if one.fate == "send" else f"not sent: {one.why}"
            click.echo(f"{one.letter.id} of {one.letter.origin}: {done}")
        for name in lost:
            click.echo(f"{name}: there is no such dead letter")
        more = ", ".join(f"{count} {fate}" for fate, count in sorted(fates.items()))
        click.echo(f"{sent} {'would be sent' if dry_run else 'sent'}" + f", {more}" * bool(more))
    sys.exit(1 if lost or any(one.fate not in {"replayed", "repeat"} for one in left) else 0)


@contextlib.contextmanager
def _ground() -> Iterator[_Ground]:
    from agents.spans import Log  # noqa: PLC0415  # Kafka's and Redis's clients take long to load
    from agents.stored import opened_store  # noqa: PLC0415

    settings = Settings.from_env()
    with opened_store(settings) as store:
        yield _Ground(settings, Log(settings.kafka, "feedstream-dlq"), store)


def _selected(ground: _Ground, mended: dict[str, Letter], cause: str | None, topic: str | None) -> Iterator[Judged]:
    for block in _blocks(ground, mended, cause, topic, []):
        yield from block


def _blocks(
    ground: _Ground, mended: dict[str, Letter], cause: str | None, topic: str | None, names: list[str]
) -> Iterator[list[Judged]]:
    from agents.resending import judged, letters  # noqa: PLC0415  # slow to load

    found = counted("dead letters", letters(ground.log, _spans(ground.log, names) if names else None))
    wanted = set(names)
    kept = (
        one
        for one in found
        if (not wanted or one.id in wanted) and cause in {None, one.cause} and topic in {None, one.topic}
    )
    return judged(kept, mended, ground.log, ground.store, ground.settings, _now_ms())


def _spans(log: Log, names: list[str]) -> dict[Any, Any]:
    """Where letters with these ids stand, as far as they are there; of one partition all between the first and last."""
    from agents.dead_letters import TOPIC  # noqa: PLC0415
    from agents.spans import Span  # noqa: PLC0415  # slow to load

    numbers: dict[int, list[int]] = {}
    for name in names:
        topic, _, place = name.partition(":")
        partition, _, number = place.partition(":")
        if topic != TOPIC or not partition.isdecimal() or not number.isdecimal():
            raise Stop(f"{name!r} is no id of a dead letter: use topic:partition:offset, as in {TOPIC}:0:17")
        numbers.setdefault(int(partition), []).append(int(number))
    there = log.spans(place for place in log.places([TOPIC]) if place[1] in numbers)
    return {
        place: Span(max(span.low, min(numbers[place[1]])), min(span.high, max(numbers[place[1]]) + 1))
        for place, span in there.items()
    }


def _mends(file: Any) -> dict[str, Repaired]:
    """What FILE says, by id."""
    made: dict[str, Repaired] = {}
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                one = msgspec.json.decode(line, type=Repaired)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise Stop(f"{file.name} line {number} repairs nothing: {error}") from None
            made[one.id] = one
    if not made:
        raise Stop(f"{file.name} repairs nothing: it is empty")
    return made


def _mended(mends: dict[str, Repaired], log: Log) -> dict[str, Letter]:
    """The letters that are repaired, by id, as they are to be sent."""
    from agents.resending import letters  # noqa: PLC0415  # slow to load

    made: dict[str, Letter] = {}
    for letter in letters(log, _spans(log, list(mends))) if mends else ():
        if (one := mends.get(letter.id)) is not None:
            value = bytes(one.value)
            key = letter.key if one.key is None else one.key.encode()
            made[letter.id] = replace(letter, key=key, value=None if value == b"null" else value)
    return made


def _send(ground: _Ground, due: list[Letter]) -> None:
    """Send letters and wait; what is sent is remembered, so that it is not sent again by the next run."""
    from agents.producer import RecordProducer, Ticket  # noqa: PLC0415  # slow to load

    if not due:
        return
    with RecordProducer(ground.settings.kafka, client_id="feedstream-dlq", timeout_s=30.0) as producer:
        ticket = Ticket()
        for letter in due:
            producer.send(letter.topic, letter.key, letter.value, headers=[("replayed", letter.origin.encode())],
                          ticket=ticket)  # fmt: skip
        ticket.wait()
    ground.store.note_replayed([letter.origin for letter in due], _now_ms())


def _told(one: Judged) -> dict[str, Any]:
    """A letter as JSON, without what is in it."""
    letter = one.letter
    return {
        "id": letter.id,
        "cause": letter.cause,
        "path": letter.path,
        "topic": letter.topic,
        "partition": letter.at,
        "offset": letter.offset,
        "stamp_ms": letter.stamp_ms,
        "bytes": len(letter.value or b""),
        "now": one.fate,
        "why": one.why or None,
    }


def _content(letter: Letter) -> dict[str, Any]:
    """Key and value: as JSON where they are such, and the value byte for byte (base64)."""
    made: dict[str, Any] = {"raw": None if letter.value is None else base64.b64encode(letter.value).decode()}
    try:
        made["key"] = None if letter.key is None else letter.key.decode()
    except UnicodeDecodeError:
        made["raw_key"] = base64.b64encode(letter.key or b"").decode()
    with contextlib.suppress(orjson.JSONDecodeError):
        made["value"] = None if letter.value is None else orjson.loads(letter.value)
    return made


def _line(one: Judged) -> str:
    letter = one.letter
    now = "can be sent again" if one.fate == "send" else f"{one.fate}: {one.why}"
    key = "-" if letter.key is None else letter.key.decode("utf-8", "backslashreplace")
    found = f"{letter.cause} at {letter.path} of {letter.origin} key {key}, {len(letter.value or b'')} bytes"
    return f"{letter.id} {found}; {now}"


def _now_ms() -> int:
    return int(time.time() * 1_000)
