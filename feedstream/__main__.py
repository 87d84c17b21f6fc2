"""``python -m feedstream``: the command, without its script."""

from __future__ import annotations

from agents.cli.main import main

main()
