"""A made-up load on a running deployment: what is sent, when, and what must come of it."""
