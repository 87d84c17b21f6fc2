"""The gateway: events, feeds and the two pages over HTTP."""
