"""The pages. Views read rows through the workspace of the request and call one function of the engine."""
