"""Files of events and runs: how they are stored, named in templates, read and linked."""
