"""Which account is a person's: by the mapping's match keys, the best first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.target import Account, Key, Link

Read = Callable[[Link | None, Key | None], Account | None]
"""`Target.read`, or what stands in for it where many were read at once."""


@dataclass(frozen=True)
class Found:
    """An account, and the attributes by which it was found: `sn + givenName`."""

    account: Account
    by: str


class Contradicted(Exception):
    """What a later key finds carries another value of an earlier one: it is somebody else's."""

    def __init__(self, by: str, attribute: str) -> None:
        super().__init__(f"the account found by {by} carries another {attribute}")


def find(read: Read, keys: Sequence[Key]) -> Found | None:
    """The account that carries the first key anything carries.

    Raises Contradicted, and what `read` raises: Ambiguous for several accounts of one key.
    """
    for place, key in enumerate(keys):
        account = read(None, key)
        if account is None:
            continue
        by = name_of(key)
        other = contradiction(account, keys[:place])
        if other is not None:
            raise Contradicted(by, other)
        return Found(account, by)
    return None


def name_of(key: Sequence[str] | Key) -> str:
    """A key as it is shown."""
    return " + ".join(key)


def contradiction(account: Account, keys: Sequence[Key]) -> str | None:
    """The attribute of a key of its own of which the account carries another value."""
    for key in keys:
        if len(key) == 1:
            attribute, value = next(iter(key.items()))
            carried = account.attributes.get(attribute)
            if carried is not None and str(carried).casefold() != value.casefold():
                return attribute
    return None
