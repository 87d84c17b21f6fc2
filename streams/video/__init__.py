"""What is known of a video: its record, its engagement, and the replica that rankers read."""
