"""From an entry of the directory to an :class:`Account`."""

from __future__ import annotations

from adapters.active_directory import values
from adapters.active_directory.config import Config
from adapters.active_directory.connection import Entry
from adapters.active_directory.logon import DISABLED
from adapters.active_directory.requests import equals
from adapters.target import Account, Value

PERSON = (equals("objectCategory", b"person"), equals("objectClass", b"user"))
"""Indexed, and leaves computers out."""


class Shape:
    """Which attributes are read of an account, and what becomes of them."""

    def __init__(self, config: Config) -> None:
        control = ("objectGUID", "cn", "userAccountControl", "adminCount")
        self.asked = tuple(dict.fromkeys((*config.attributes, *config.references, *control)))
        """To be searched with the extended-DN control, for :meth:`account`."""
        references = {a.lower(): a for a in config.references}
        self._references = references
        self._shown = {a.lower(): a for a in config.attributes if a.lower() not in references}

    def account(self, entry: Entry) -> Account:
        """Raises TargetRefused when we may not read what every account has."""
        raw = {name.lower(): found for name, found in entry.values.items()}
        _, dn = values.extended_dn(entry.dn)
        control = int(entry.first("userAccountControl"))
        attributes: dict[str, Value] = {}
        references: dict[str, str] = {}
        for folded, found in raw.items():
            if name := self._shown.get(folded):
                value = values.decode(name, found)
                if value is not None:
                    attributes[name] = value
            elif name := self._references.get(folded):
                for target in found:
                    anchor, _ = values.extended_dn(target.decode())
                    if anchor:
                        references[name] = anchor
        return Account(
            anchor=values.guid(entry.first("objectGUID")),
            hint=dn,
            enabled=not control & DISABLED,
            attributes=attributes,
            name=entry.first("cn").decode(),
            container=values.parent(dn),
            references=references,
            protected="adminCount=1" if list(raw.get("admincount", ())) == [b"1"] else None,
            state={"userAccountControl": control},
        )
