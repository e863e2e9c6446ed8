"""Configuration by people: flows, variables, connections, samples, secrets and schedules."""
