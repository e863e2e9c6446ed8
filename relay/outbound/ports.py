"""Decides which ports may be called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from relay.errors import RequestRefused, SetupError

MAX_PORT = 65535

# Ports that browsers refuse, and those of databases, queues and daemons of machines and clusters, where a request can
# only do harm. None is in the range from which systems assign ports at random.
CLOSED = frozenset(
    {
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 70, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 138, 139, 143, 161, 162, 179),
        *(389, 427, 445, 465, 500, 512, 513, 514, 515, 520, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587),
        *(601, 623, 631, 636, 860, 873, 989, 990, 992, 993, 995),
        *(1080, 1194, 1433, 1434, 1521, 1719, 1720, 1723, 1883, 1900, 2049, 2181, 2375, 2376, 2377, 2379, 2380),
        *(3260, 3268, 3269, 3306, 3389, 3659, 4045, 4190, 4369, 5060, 5061, 5353, 5432, 5433, 5671, 5672, 5900),
        *(6000, 6379, 6380, 6432, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 8300, 8301, 8302, 8883),
        *(9042, 9092, 9300, 10080, 10250, 10255, 10257, 10259, 11211, 16379, 26379, 27017, 27018, 27019),
    }
)


class Ports:
    """The ports that may be called: those in `allowed` (443, 8000-8999), or if it is empty, all but `CLOSED`."""

    def __init__(self, allowed: Sequence[str]) -> None:
        named = frozenset(port for text in allowed for port in _range(text))
        self._open = named or frozenset(range(1, MAX_PORT + 1)) - CLOSED

    def __contains__(self, port: int) -> bool:
        return port in self._open

    def refusal(self, port: int) -> RequestRefused:
        """The error for a port that may not be called."""
        return RequestRefused(f"Relay doesn't call port {port}; allow it with RELAY_OUTBOUND_PORTS if this is meant.")


def _range(text: str) -> Iterator[int]:
    ends = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text.strip())
    first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
    if not 0 < first <= last <= MAX_PORT:
        raise SetupError(f"RELAY_OUTBOUND_PORTS has {text!r}, which isn't a port or a range like 8000-8999.")
    yield from range(first, last + 1)
