"""The pages: one module per page family, each view fetching through the workspace and calling one verb."""
