"""`relay up`: one small parent that starts, watches and stops Valkey, web, workers and upkeep."""
