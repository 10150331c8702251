"""The gateway of the end-to-end tests, to be killed here."""

from tests.end_to_end.conftest import gateway

__all__ = ["gateway"]
