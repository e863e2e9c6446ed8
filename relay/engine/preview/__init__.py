"""Previews of what a step's templates render to while a person edits them."""
