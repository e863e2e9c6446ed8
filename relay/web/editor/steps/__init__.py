"""The steps of a flow in the editor: where they are, how they are moved, and their cards."""
