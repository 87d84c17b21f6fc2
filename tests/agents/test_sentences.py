"""A sentence encoder is loaded from a folder, when it is asked for, and searched with like any other."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agents.errors import BadSettings
from agents.sentences import text_encoder
from agents.settings import Settings
from streams.control.tuning import DEFAULT
from streams.shards.video_shard import VideoShard
from streams.video.catalogue import Catalogue
from streams.words.bending import fit
from streams.words.text import NGRAMS
from tests.streams.states import video

ABOUT = {"wheels": 0, "automobile": 0, "waves": 1}


class Model:
    """Stands in for a model: a text is about the words it knows."""

    def __init__(self, folder: str, **options: Any) -> None:
        assert options == {"device": "cpu", "local_files_only": True}

    def get_sentence_embedding_dimension(self) -> int:
        return 2

    def encode(self, texts: list[str], normalize_embeddings: bool) -> Any:
        assert normalize_embeddings
        return np.array([np.eye(2)[next((at for word, at in ABOUT.items() if word in text), 1)] for text in texts])


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = ModuleType("sentence_transformers")
    made.SentenceTransformer = Model
    monkeypatch.setitem(sys.modules, "sentence_transformers", made)


def test_unless_it_is_asked_for_characters_are_hashed():
    assert text_encoder(Settings.from_env({}).text_model) is NGRAMS


def test_what_the_encoder_says_is_alike_fits_though_no_word_is_shared(library, tmp_path):
    catalogue, shard = Catalogue(text_encoder(str(tmp_path))), VideoShard(0, 10**13, 10)
    shard.apply_videos([(name, video(name, caption=text)) for name, text in (("a", "four wheels"), ("b", "waves"))])
    catalogue.take_states(shard.states())
    fits = fit(catalogue, "automobile", np.arange(2), DEFAULT.words, 0)
    assert dict(zip(catalogue.video_ids, fits.tolist(), strict=True)) == {"a": 1.0, "b": 0.0}
    assert not catalogue.encoder([""]).any()


def test_a_folder_or_a_library_that_is_not_there_is_said_in_a_sentence(monkeypatch, tmp_path):
    with pytest.raises(BadSettings, match="FEEDSTREAM_TEXT_MODEL is '/nowhere': there is no such folder"):
        text_encoder("/nowhere")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(BadSettings, match=r"run `pip install feedstream\[sentences\]`"):
        text_encoder(str(tmp_path))
