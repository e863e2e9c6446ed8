"""One file a connector, data only; whatever stands here is found."""
