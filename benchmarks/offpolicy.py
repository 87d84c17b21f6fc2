"""How right off-policy estimates are: each policy of the Open Bandit Dataset estimated from the other's log.

    python -m benchmarks.offpolicy

Prints a Markdown table of estimates beside the truth, which is what the policy's own log earned, with an interval
too: the logs hold some 40 to 70 clicks each. The odds of the uniform policy are known. Those of the other (Bernoulli
Thompson sampling) are logged for its own choices only; for the uniform log's they are taken as how often it chose the
item at that place over the week. That is enough, since it looks at no context: its mean is the same sum over items and
places, as long as an item's click rate does not move within the week.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import numpy.typing as npt
import pandas as pd

from agents.evaluate.offpolicy import Estimate, doubly_robust, ips, mean, smoothed, snips
from agents.testing.datasets import CAMPAIGNS, Unavailable, open_bandit

__all__ = ["Log", "estimates", "read", "table"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
_FOLDS = 5


class Log(NamedTuple):
    """Choices: ``item`` i64[n], ``place`` i64[n], ``click`` f64[n], ``odds`` f64[n] as logged."""

    item: I64
    place: I64
    click: F64
    odds: F64


def read(path: Path) -> Log:
    """One log of the dataset."""
    frame = pd.read_csv(path, usecols=["item_id", "position", "click", "propensity_score"])
    item, place = (frame[name].to_numpy(np.int64) for name in ("item_id", "position"))
    return Log(item, place - place.min(), frame["click"].to_numpy(float), frame["propensity_score"].to_numpy(float))


def policy(own: Log | None, places: int, items: int) -> F64:
    """The odds of each item at each place, f64[places, items]: as often as in ``own`` log, uniform without one."""
    if own is None:
        return np.full((places, items), 1.0 / items)
    counts = np.bincount(own.place * items + own.item, minlength=places * items).reshape(places, items)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def estimates(log: Log, target: F64) -> dict[str, Estimate]:
    """What a policy with the odds ``target`` f64[places, items] earns, from another's log."""
    items = target.shape[1]
    wanted = target[log.place, log.item]
    model = smoothed(log.click, log.item, items, folds=_FOLDS)
    fold = np.arange(len(log.item)) % _FOLDS
    of_target = (target @ model.T)[log.place, fold]
    return {
        "IPS": ips(log.click, wanted, log.odds),
        "SNIPS": snips(log.click, wanted, log.odds),
        "DR": doubly_robust(log.click, wanted, log.odds, model[fold, log.item], of_target),
    }


def measured(folder: Path) -> dict[str, dict[str, Estimate]]:
    """Truth and estimates of each policy of each campaign."""
    made = {}
    for campaign in CAMPAIGNS:
        logs = {name: read(folder / f"{name}-{campaign}.csv") for name in ("random", "bts")}
        items = max(int(log.item.max()) for log in logs.values()) + 1
        places = max(int(log.place.max()) for log in logs.values()) + 1
        for name, other in (("random", "bts"), ("bts", "random")):
            target = policy(logs[name] if name == "bts" else None, places, items)
            made[f"{campaign}: {name} from {other}"] = {
                "truth": mean(logs[name].click), **estimates(logs[other], target), "other": mean(logs[other].click)
            }  # fmt: skip
    return made


def table(found: dict[str, dict[str, Estimate]]) -> str:
    """Estimates and truths side by side, in clicks per 1,000.

    >>> one = Estimate(0.004, 0.003, 0.005, 80.0)
    >>> print(table({"men: bts from random": {"truth": one, "IPS": one}}).splitlines()[2])
    | men: bts from random | 4.0 [3.0, 5.0] | 4.0 [3.0, 5.0] |
    """
    names = list(next(iter(found.values())))
    lines = ["| estimated | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for row, cells in found.items():
        shown = [f"{1e3 * one.value:.1f} [{1e3 * one.low:.1f}, {1e3 * one.high:.1f}]" for one in cells.values()]
        lines.append(f"| {row} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


@click.command()
def main() -> None:
    """Print the table."""
    try:
        click.echo(table(measured(open_bandit())))
    except Unavailable as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
