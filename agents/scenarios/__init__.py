"""Scenarios: each mechanism of the feed, shown to work by what changes when it is switched off."""
