"""Learning: the models that learn online, from what user shards tell of, heard through snapshots."""
