"""Decides whether a run may send to its destination now: concurrency limits, rates and the circuit breaker."""
