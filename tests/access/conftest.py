"""A door for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.door import Door


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A gateway without settings of its own."""
    made = Door(tmp_path)
    yield made
    made.close()
