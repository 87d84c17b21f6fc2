"""The gateway: events, feeds and the phone page over HTTP."""
