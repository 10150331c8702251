"""How often somebody may do something: counted for all processes of this machine together.

A file of slots, mapped into each process; a slot is a key and the instant at which its
bucket is empty again (the generic cell rate algorithm). Nobody waits for a lock: where two
processes write one slot at the same moment, one request is counted for two.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

_SLOT = struct.Struct("=8sd")
_PROBES = 8
_TINY = 1e-6
"""Seconds that adding up may come to."""


class Limits:
    """`file` is shared with other processes; None: this one counts for itself.

    `clock` is monotonic, and the same for all processes of the machine.
    """

    def __init__(
        self,
        file: Path | None,
        slots: int = 8192,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = slots
        self._clock = clock
        size = slots * _SLOT.size
        if file is None:
            self._map: mmap.mmap | bytearray = bytearray(size)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.ftruncate(descriptor, size)
                self._map = mmap.mmap(descriptor, size)
            finally:
                os.close(descriptor)

    def take(self, key: str, rate: float, burst: float) -> float:
        """Count one of `key`: 0.0 when it may, else the seconds after which it may.

        `rate` a second are allowed over a while, `burst` at once. What may not is not
        counted. A rate of 0 allows everything.
        """
        if rate <= 0:
            return 0.0
        digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()[:8]
        now = self._clock()
        step = 1 / rate
        room = burst * step
        place, empty_at = self._find(digest, now)
        # Long ago, or from before the machine started. (A second is for processes that were
        # held up between looking at the clock and here.)
        if not now < empty_at <= now + room + 1:
            empty_at = now
        after = empty_at + step
        if after - now > room + _TINY:
            return after - now - room
        _SLOT.pack_into(self._map, place, digest, after)
        return 0.0

    def _find(self, digest: bytes, now: float) -> tuple[int, float]:
        """Where the slot of that key is, or where there is room for one; when it is empty."""
        start = int.from_bytes(digest, "big")
        best, best_at = 0, float("inf")
        for probe in range(_PROBES):
            place = (start + probe) % self._slots * _SLOT.size
            key, empty_at = _SLOT.unpack_from(self._map, place)
            if key == digest:
                return place, empty_at
            if empty_at < best_at:
                best, best_at = place, empty_at
        return best, 0.0
