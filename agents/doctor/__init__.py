"""The doctor: what an operator would look at by hand, one check at a time, each with what to do about it."""
