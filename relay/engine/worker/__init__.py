"""The worker's loop: claim due runs, walk them, settle them."""
