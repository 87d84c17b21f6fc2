"""The learner: every model that learns online, fed by training rows, heard through snapshots."""

from __future__ import annotations

import msgspec
import numpy as np

from streams.catalogue import Catalogue
from streams.embedding import ItemFactors
from streams.features import PRIOR
from streams.ranking import Model
from streams.ranker import SoftmaxRanker
from streams.training import Rows

__all__ = ["Learner"]


class Learner:
    def __init__(self, learn_rows: int = 256) -> None:
        self.ranker = SoftmaxRanker(PRIOR)
        self.factors = ItemFactors()
        self.groups = 0

    @property
    def fresh_factors(self):
        return self.factors.fresh

    def learn(self, rows: Rows) -> None:
        if len(rows.group_w):
            self.ranker.learn_many(rows.group_x, rows.group_w)
            self.factors.learn_many(rows.emb_recent, rows.emb_positive, rows.emb_negatives)
            self.groups += len(rows.group_w)

    def model(self) -> Model:
        return Model(self.ranker.weights, f"ranker-{self.groups}")

    def place_factors(self, catalogue: Catalogue) -> None:
        fresh = self.factors.fresh
        names = {row: name for name, row in self.factors.row_of.items()} if False else None
        for name, row in self.factors.row_of.items():
            if row in fresh and name in catalogue.row_of_hash:
                catalogue.factors[catalogue.row_of_hash[name]] = self.factors.vectors[row]
        fresh.clear()

    def to_bytes(self) -> bytes:
        return self.ranker.weights.tobytes()
