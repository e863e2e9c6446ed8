"""Issues, which group identical failures, and the alerts that report them."""
