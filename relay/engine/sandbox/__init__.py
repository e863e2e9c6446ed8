"""Runs helper processes that can be killed, in a pool in which workspaces take turns."""
