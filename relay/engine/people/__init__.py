"""Accounts, members of workspaces, API tokens, and mail to them."""
