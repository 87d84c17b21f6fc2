"""Snapshots: all shards as one file, taken while workers go on, and put back where a store was lost."""
