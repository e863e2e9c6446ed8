"""The flow editor: its page, its forms, and the commands of its buttons."""
