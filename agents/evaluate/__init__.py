"""Evaluation: predict, then learn, over a log in event time, through the code that the workers run."""
