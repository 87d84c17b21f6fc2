"""The demo's gauges and screen: figures are right, and the screen stands whatever is missing."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from agents.demo.gauges import Gauges, Worker
from agents.demo.view import chart, plain, screen, spark
from agents.world.gauges import Curve, Latencies


def drawn(gauges: Gauges) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(screen(gauges))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_quantile_of_nothing_is_not_a_number() -> None:
    latencies = Latencies()
    assert math.isnan(latencies.quantile(0.5))
    for value in (0.1, 0.2, 0.3):
        latencies.add(value)
    assert latencies.quantile(0.5) == pytest.approx(0.2)


def test_a_second_without_values_keeps_the_mean_before_it() -> None:
    curve = Curve()
    curve.add(0.2, 1.0)
    curve.add(0.9, 3.0)
    curve.add(2.0, 5.0)
    assert curve.means() == [2.0, 2.0, 5.0]
    assert curve.between(0, 1) == 2.0
    assert math.isnan(curve.between(10, 20))


def test_a_chart_is_as_high_as_its_value_and_as_wide_as_its_time() -> None:
    assert chart([1.0, 0.5, 0.0], 4, 2, 4) == ["█  ", "██ "]
    assert spark([0.0, 4.0, 8.0], 2) == "▄█"


def test_the_screen_stands_before_anything_was_measured() -> None:
    assert "feedstream" in drawn(Gauges())
    assert "match -" in plain(Gauges())


def test_the_screen_says_which_count_is_behind_and_who_was_killed() -> None:
    gauges = Gauges(viewers=3, videos=10, sent={"likes": 12}, stored={"likes": 9})
    gauges.workers = [Worker("worker 1", 77, "killed")]
    gauges.match.add(0.0, 0.5)
    text = drawn(gauges)
    (likes,) = [line for line in text.splitlines() if "likes" in line]
    assert "12" in likes
    assert "3 " in likes.split("12", 1)[1]
    assert "killed" in text
    assert max(map(len, text.splitlines())) <= 100


def test_batches_that_come_after_the_run_do_not_count_for_its_end() -> None:
    gauges = Gauges(run_s=20.0)
    gauges.matched(0.1, first=True)
    gauges.phase, gauges.elapsed_s = "running", 19.0
    gauges.matched(0.4, first=False)
    gauges.phase, gauges.elapsed_s = "settling", 20.0
    gauges.matched(-1.0, first=False)
    gauges.matched(-1.0, first=True)
    assert gauges.match.between(16, 21) == 0.4
    assert gauges.first_match.between(0, 1) == 0.1
