"""The worker: Faust agents that keep shards current, and what carries their effects out."""
