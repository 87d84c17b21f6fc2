"""Sentences: a sentence encoder with weights from a local folder, in the place of hashed characters.

Asked for by ``FEEDSTREAM_TEXT_MODEL``; needs ``pip install feedstream[sentences]``. Nothing is ever downloaded. It
takes milliseconds a caption, in every process that ranks, so it is for catalogues that grow by less than that.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.errors import BadSettings
from streams.words.text import NGRAMS, Encoder

__all__ = ["Sentences", "text_encoder"]


def text_encoder(folder: str) -> Encoder:
    """The encoder that the setting asks for: hashed characters where it is empty."""
    return Sentences(folder) if folder else NGRAMS


class Sentences:
    """A sentence-transformers model from ``folder``. Raises ``BadSettings`` where there is none or nothing reads it."""

    floor = 0.35
    full = 0.7

    def __init__(self, folder: str) -> None:
        if not Path(folder).is_dir():
            raise BadSettings(f"FEEDSTREAM_TEXT_MODEL is {folder!r}: there is no such folder")
        try:
            library: Any = importlib.import_module("sentence_transformers")
        except ImportError:
            raise BadSettings(
                f"FEEDSTREAM_TEXT_MODEL is {folder!r}, which takes sentence-transformers: "
                "run `pip install feedstream[sentences]`"
            ) from None
        self._model = library.SentenceTransformer(folder, device="cpu", local_files_only=True)
        self.wide = int(self._model.get_sentence_embedding_dimension())

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit rows of ``texts``, float32[n, wide]; zeros for empty ones."""
        rows = np.asarray(self._model.encode(list(texts), normalize_embeddings=True), dtype=np.float32)
        rows = rows.reshape(len(texts), self.wide)
        return np.where(np.array([bool(text) for text in texts])[:, None], rows, np.float32(0.0))
