"""A short measurement of what this machine and its servers do, and what longer benchmarks share with it."""
