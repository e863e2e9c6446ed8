"""The pages of a workspace: settings, people, tokens, connections, variables and the audit log."""
