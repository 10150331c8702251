"""The functions of the expression language. `docs/mappings.md` lists them for people."""

from __future__ import annotations

from mappings import entra_functions, our_functions  # noqa: F401  (they register themselves)
from mappings.registry import FUNCTIONS

__all__ = ["FUNCTIONS"]
