"""`python -m relay COMMAND` is `relay COMMAND`."""

from relay.cli import main

main()
