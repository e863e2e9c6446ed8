"""How many examples a property test tries."""

from __future__ import annotations

import os

from hypothesis import settings


def examples(count: int) -> settings:
    """Try `count` examples with RELAY_TEST_EXAMPLES=all, as CI does, and otherwise a fifth of them."""
    return settings(max_examples=count if os.environ.get("RELAY_TEST_EXAMPLES") == "all" else count // 5, deadline=None)
