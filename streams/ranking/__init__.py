"""From a request to scored candidates."""
