"""The benchmark: `python -m tests.bench` starts Relay, loads it and says how fast it is."""
