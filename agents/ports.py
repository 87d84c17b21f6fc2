"""The operator's own functions, found by the settings ``FEEDSTREAM_SCORER`` and ``FEEDSTREAM_SOURCE``.

They are code that whoever starts the process has chosen, like the process itself; nothing in the log can name one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from agents.errors import BadSettings
from agents.settings import Settings
from streams.ranking.ports import Ports

__all__ = ["ports_of"]


def ports_of(settings: Settings) -> Ports:
    """The functions that the settings name; raises ``BadSettings`` where one cannot be had."""
    return Ports(_found("SCORER", settings.scorer), _found("SOURCE", settings.source))


def _found(setting: str, name: str) -> Callable[..., Any] | None:
    if not name:
        return None
    module, _, function = name.partition(":")
    said = f"FEEDSTREAM_{setting} is {name!r}"
    if not module or not function:
        raise BadSettings(f"{said}: use module:function")
    try:
        found = getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise BadSettings(f"{said}: {error}; its folder must be on PYTHONPATH of the worker") from None
    except AttributeError:
        raise BadSettings(f"{said}: {module} has no {function}") from None
    except Exception as error:
        raise BadSettings(f"{said}: importing {module} failed with {type(error).__name__}: {error}") from None
    if not callable(found):
        raise BadSettings(f"{said}: {function} is no function")
    return found  # type: ignore[no-any-return]  # a module's attribute may be anything; that it is callable is checked
