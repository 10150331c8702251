"""What the target suite needs to know of a target beyond `Target` itself.

A world is one target seen from outside: the adapter under test, an independent eye on
the directory behind it, and ways to meddle. To put another target through the suite,
write a `World` and add a fixture `<name>_world` to `tests/conformance/conftest.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from adapters.target import Target


@dataclass(frozen=True)
class Words:
    """What this target calls things."""

    account_name: str
    user_principal_name: str
    key: str
    """The attribute a person is matched by."""
    given_name: str
    title: str
    display_name: str
    refused: tuple[str, str]
    """An optional attribute and a value of it that the target refuses."""
    unique: tuple[str, ...]
    """Those of the name attributes that the target itself keeps unique."""


@dataclass(frozen=True)
class Seen:
    """An account as an independent client sees it."""

    enabled: bool
    rest: object
    """All that enable and disable must leave as it is."""
    name: str | None
    container: str | None
    attributes: Mapping[str, str]
    manager: str | None
    """The manager's anchor."""


class World(Protocol):
    """One target and its surroundings, for one test."""

    target: Target
    words: Words
    people: str | None
    """Container for accounts, None where the target has none."""
    leavers: str | None
    domain: str
    notices_changes: bool
    """Whether a write is refused when somebody else changed what it is about."""
    reads_before_create: int
    """Requests that `create` makes before the one that writes."""
    license: str | None
    """A licence with seats, by its name; None where the target has none."""

    def sees(self, anchor: str) -> Seen:
        """Read the account without the adapter."""
        ...

    def delete(self, anchor: str) -> None:
        """Somebody deletes the account behind the adapter's back."""
        ...

    def meddle(self, anchor: str) -> None:
        """Somebody changes what enable and disable write, keeping the account's on or off."""
        ...

    def protect(self, anchor: str) -> None:
        """Make the account a privileged one."""
        ...

    def take_name(self, login: str) -> str:
        """Somebody makes an account of this name; returns its anchor."""
        ...

    def populate(self, count: int) -> set[str]:
        """Put so many more people there; returns their anchors."""
        ...

    def add_group(self, name: str) -> str:
        """Make an ordinary group that rules may give; returns its anchor."""
        ...

    def delete_group(self, anchor: str) -> None:
        """Somebody deletes the group."""
        ...

    def strange_groups(self) -> list[str]:
        """Names of groups that no rule may give."""
        ...

    def given(self, anchor: str) -> set[str]:
        """Anchors of the groups and licences given to the account directly."""
        ...

    def direct(self, **changes: object) -> Target:
        """Another adapter on the same target; `changes` override its settings."""
        ...

    def through(self, port: int) -> Target:
        """An adapter that reaches the target by way of localhost:port, with short time-outs."""
        ...

    @property
    def address(self) -> tuple[str, int]:
        """Where the target listens."""
        ...

    def with_wrong_password(self) -> Target:
        """An adapter whose credentials are not accepted."""
        ...

    def with_wrong_authority(self) -> Target:
        """An adapter that trusts another certificate authority."""
        ...
