"""What Relay can talk to: frozen data, found by scanning a folder; no Django, no database."""
