"""Template tags, in the package where Django looks for them."""
