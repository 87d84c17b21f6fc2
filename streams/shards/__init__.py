"""What a partition of viewers or of videos holds, and how batches of events change it."""
