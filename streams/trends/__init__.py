"""What rises and falls, and why."""
