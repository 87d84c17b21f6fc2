"""Measures: the registry of metrics, and what is made of it for operators: a page, a dashboard and alerts."""
