"""What each mechanism does: every scenario on and off, as the table in docs/mechanisms.md.

    python -m benchmarks.mechanisms [--check] [SCENARIO…]

Without names all are run and the document is written; with names, or with ``--check``, it is only printed.
"""

from __future__ import annotations

from pathlib import Path

import click

from agents.scenarios.scenario import Effect, Scenario, effect, registered
from streams.control.tuning import OFF, described

__all__ = ["document"]

DOCUMENT = Path(__file__).parents[1] / "docs" / "mechanisms.md"
_HEAD = """# Mechanisms, and what each does

Each line is a scenario: a small world in which one number is measured with the mechanism on and off, on the same seeds.
The difference comes with its 95 % interval over the seeds. `make quality` runs them all and writes this page, and
`make test` holds each to the least effect it must have. The code is in `agents/scenarios/`. What nobody may switch off
is measured against the same world where the signal that sets it going is not given, as told after "off:".

"""
_SETTINGS = """## Settings

A `control` record with the key `tuning.` and one of these sets it while workers run; null unsets it.

"""
_OFF = """## Off

`feedstream evaluate --ablate` tries each on a log.

"""


def row(one: Scenario, found: Effect) -> str:
    """One line of the table.

    >>> told = {"name": "fresh places", "row": "bubble control", "shows": "share", "run": min, "least": 0.1}
    >>> row(Scenario(**told, off={"slate.fresh": 0.0}), Effect(0.1, 0.0, 0.1, 0.1))
    '| bubble control | fresh places | share | 0.1 | 0 | +0.1 [+0.1, +0.1] |'
    >>> row(Scenario(**told, off="nothing is fresh"), Effect(0.1, 0.0, 0.1, 0.1))
    '| bubble control | fresh places | share; off: nothing is fresh | 0.1 | 0 | +0.1 [+0.1, +0.1] |'
    """
    difference = f"{found.gain:+.3g} [{found.low:+.3g}, {found.high:+.3g}]"
    shows = f"{one.shows}; off: {one.off}" if isinstance(one.off, str) else one.shows
    return f"| {one.row} | {one.name} | {shows} | {found.on:.3g} | {found.off:.3g} | {difference} |"


def document(rows: list[str]) -> str:
    """The whole page: effects, settings, and how each mechanism is switched off."""
    effects = ["| mechanism | scenario | number | on | off | difference |", "|---|---|---|---:|---:|---|", *rows]
    settings = ["| setting | default | bounds |", "|---|---:|---|"]
    settings += [f"| `{key}` | {default} | {bounds} |" for key, default, bounds in described()]
    off = ["| mechanism | off with |", "|---|---|"]
    for name, told in OFF.items():
        off.append(f"| {name} | {', '.join(f'`{key}` = {value}' for key, value in told.items())} |")
    parts = ["\n".join(effects), _SETTINGS + "\n".join(settings), _OFF + "\n".join(off)]
    return _HEAD + "\n\n".join(parts) + "\n"


@click.command()
@click.argument("names", nargs=-1)
@click.option("--check", is_flag=True, help="Print, do not write.")
def main(names: tuple[str, ...], check: bool) -> None:
    """Run scenarios by NAMES, or all."""
    known = registered()
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"there is no scenario {unknown[0]!r}; there are: {', '.join(known)}")
    rows = []
    for name, one in sorted(known.items(), key=lambda item: (item[1].row, item[0])):
        if not names or name in names:
            rows.append(row(one, effect(one)))
            click.echo(rows[-1], err=True)
    if names or check:
        click.echo(document(rows))
    else:
        DOCUMENT.write_text(document(rows))


if __name__ == "__main__":
    main()
