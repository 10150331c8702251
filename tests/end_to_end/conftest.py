"""One gateway per test, on a real domain, with OUs of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.samba import SambaDomain
from tests.end_to_end.gateway import Gateway
from tests.samba import Ous


@pytest.fixture
def gateway(samba: SambaDomain, samba_ous: Ous) -> Iterator[Gateway]:
    """A running gateway with an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="muster-"))
    running = Gateway(folder, samba, samba_ous)
    running.start()
    yield running
    running.kill()
    running.database.close()
    shutil.rmtree(folder)
