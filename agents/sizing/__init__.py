"""Sizing: what a stated load takes, by measured costs, and how much of what runs is used."""
