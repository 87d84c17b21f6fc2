"""How many viewers a new video is tried on, and who decides."""
