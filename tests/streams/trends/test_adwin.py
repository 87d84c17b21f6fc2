"""ADWIN is River's own; what its neighbours need is read by whoever asks for that."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("[name for name in ('scipy.stats._stats_py', 'scipy.optimize') if name in sys.modules]", "[]"),
        ("__import__('scipy.stats').stats.norm.cdf(0.0) == 0.5", "True"),
        ("__import__('river.drift').drift.kswin.stats.ks_2samp([1.0, 2.0], [1.0, 2.0]).pvalue", "1.0"),
        ("adwin.ADWIN is __import__('river.drift').drift.ADWIN", "True"),
    ],
)
def test_a_worker_reads_no_statistics_until_somebody_asks(asked: str, said: str) -> None:
    text = f"import sys\nimport agents.worker.main\nfrom streams.trends import adwin\nprint({asked})"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said
