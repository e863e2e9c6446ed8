"""The authorization server of the engine's tests."""

from tests.engine.oauth.conftest import server

__all__ = ["server"]
