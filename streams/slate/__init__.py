"""From scored candidates to the order in which they are shown."""
