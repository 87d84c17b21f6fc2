"""The judge: what the counts of a log must be by the definitions alone, and whether the store agrees."""
