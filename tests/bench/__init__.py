"""The benchmark: `python -m tests.bench` starts Relay, loads it and prints its speed."""
