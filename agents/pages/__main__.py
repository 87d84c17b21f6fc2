"""Write the pages of reference: ``python -m agents.pages FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from agents.pages import PAGES


def main(folder: Path) -> None:
    """Write every page into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in PAGES.items():
        (folder / f"{name}.md").write_text(made())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
