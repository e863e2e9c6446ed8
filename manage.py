#!/usr/bin/env python
"""`python manage.py COMMAND` is `relay COMMAND`."""

from relay.cli import main

if __name__ == "__main__":
    main()
