"""Words: text as vectors, what terms mean, and what viewers ask for."""
