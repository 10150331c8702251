"""The domain: its entries, its counters and its clock, and the one way to change them."""

from __future__ import annotations

import secrets
import struct
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from sandbox.directory.storage import Storage
from sandbox.directory.tree import Entry, Tree
from sandbox.directory.values import generalized_time

_FIRST_RID = 1104


class Domain:
    """What the operations work on. Callers see to it that one works at a time.

    `clock` gives epoch seconds; `realm` is the DNS name of the domain.
    """

    def __init__(self, file: Path, realm: str, clock: Callable[[], float]) -> None:
        self.realm = realm
        self.base_dn = ",".join(f"DC={label}" for label in realm.split("."))
        self.clock = clock
        self.tree = Tree()
        self._storage = Storage(file)
        self._lags: list[tuple[float, Tree]] = []
        self._load()

    def _load(self) -> None:
        facts = self._storage.facts()
        self.sid = bytes.fromhex(facts["sid"]) if "sid" in facts else _new_sid()
        self.usn = int(facts.get("usn", "4096"))
        self._rid = int(facts.get("rid", str(_FIRST_RID)))
        for entry in self._storage.entries():
            self.tree.put(entry)

    def clear(self) -> None:
        """Forget every entry; the domain's SID and its counters begin anew."""
        self._storage.clear()
        self.tree = Tree()
        self._lags = []
        self._load()

    def close(self) -> None:
        """Close the file."""
        self._storage.close()

    @property
    def empty(self) -> bool:
        """Whether there is nothing yet."""
        return not self.tree.entries

    # -- making

    def new_guid(self) -> bytes:
        """An objectGUID."""
        return uuid.uuid4().bytes_le

    def new_sid(self, rid: int | None = None) -> bytes:
        """An objectSid of this domain: with the next number, or a well-known one."""
        if rid is None:
            rid, self._rid = self._rid, self._rid + 1
        return self.sid[:1] + bytes((self.sid[1] + 1,)) + self.sid[2:] + struct.pack("<I", rid)

    def commit(
        self,
        written: Iterable[Entry],
        dropped: Iterable[bytes] = (),
        unnoticed: Iterable[Entry] = (),
    ) -> None:
        """Make entries the truth, on disk and then in memory; all or nothing.

        `unnoticed` ones lost a link because its other end was deleted: AD does not
        count that as a change. Raises sqlite3.Error.
        """
        written, dropped, unnoticed = list(written), list(dropped), list(unnoticed)
        usn, stamp = self.usn, generalized_time(self.clock())
        for entry in written:
            usn += 1
            number = (b"%d" % usn,)
            entry.attributes.setdefault("uSNCreated", number)
            entry.attributes.setdefault("whenCreated", (stamp,))
            entry.attributes["uSNChanged"] = number
            entry.attributes["whenChanged"] = (stamp,)
        facts = {"usn": str(usn), "rid": str(self._rid), "sid": self.sid.hex()}
        self._storage.save([*written, *unnoticed], dropped, facts, self.tree.entries)
        self.usn = usn
        for entry in (*unnoticed, *written):
            self.tree.put(entry)
        for guid in dropped:
            self.tree.drop(guid)

    # -- lag

    def picture(self) -> Tree:
        """The tree as it is now, to be shown after it changed."""
        return self.tree.copy()

    def hide_until(self, moment: float, before: Tree) -> None:
        """Show readers `before` until `moment` (machine time)."""
        self._lags.append((moment, before))

    def visible(self, moment: float) -> Tree:
        """The tree that readers see at `moment` (machine time)."""
        self._lags = [lag for lag in self._lags if lag[0] > moment]
        return self._lags[0][1] if self._lags else self.tree


def _new_sid() -> bytes:
    parts = [21, *(secrets.randbits(31) | 1 << 30 for _ in range(3))]
    return bytes((1, len(parts))) + (5).to_bytes(6, "big") + struct.pack("<4I", *parts)
