"""The `Target` of one Active Directory domain: how accounts are found and read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import ldap3
from ldap3.protocol.microsoft import extended_dn_control

from adapters.active_directory import values
from adapters.active_directory.config import Config
from adapters.active_directory.connection import Answer, Entry, Lost, Session
from adapters.active_directory.errors import raise_for_read
from adapters.active_directory.pool import Pool
from adapters.active_directory.writes import Writer
from adapters.target import (
    Account,
    Ambiguous,
    Link,
    NameKind,
    Outcome,
    Step,
    TargetDown,
)

PERSON = "(objectCategory=person)(objectClass=user)"  # indexed, leaves computers out
ACCOUNT_DISABLED = 0x2  # userAccountControl bit ACCOUNTDISABLE (MS-ADTS 2.2.16)
FEW = 10  # an ambiguous key needs no longer list

T = TypeVar("T")


class ActiveDirectory:
    """One domain. Safe for several threads; connects when first asked.

    ad = ActiveDirectory(Config(url="ldaps://dc1.norhaven.example", bind_dn=..., ...))
    account = ad.read(None, ("employeeID", "10042"))
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pool = Pool(config)
        self._writer = Writer(config)
        control = ("objectGUID", "cn", "userAccountControl", "adminCount")
        self._asked = tuple(dict.fromkeys((*config.attributes, *config.references, *control)))
        self._shown = {a.lower(): a for a in config.attributes}
        self._references = {a.lower(): a for a in config.references}

    def read(self, link: Link | None, match: tuple[str, str] | None) -> Account | None:
        """See `Target.read`. Found by objectGUID wherever it was moved to; a match searches
        users below `base_dn`."""
        return self._ask(lambda session: self._read(session, link, match))

    def holder(self, kind: NameKind, value: str) -> str | None:
        """See `Target.holder`. The domain controller compares: AD ignores case and accents.

        An account name is also held by computers and groups, and by who has
        `name@domain` as userPrincipalName; that UPN by who has the account name.
        """
        base, filters = self._config.base_dn, []
        scope: Literal["SUBTREE", "LEVEL"] = ldap3.SUBTREE
        name, _, suffix = value.rpartition("@")
        try:
            if kind == "accountName":
                filters = [
                    values.equals("sAMAccountName", value),
                    values.equals("userPrincipalName", f"{value}@{self._config.domain}"),
                ]
            elif kind == "userPrincipalName":
                filters = [values.equals("userPrincipalName", value)]
                if name and suffix.lower() == self._config.domain:
                    filters.append(values.equals("sAMAccountName", name))
            elif kind == "mail":
                filters = [
                    values.equals("mail", value),
                    values.equals("proxyAddresses", f"smtp:{value}"),
                ]
            else:
                base, scope = self._config.people_ou, ldap3.LEVEL
                filters = [values.equals("cn", value)]
        except values.Unwritable:
            return None  # what cannot be written is held by nobody
        for filter in filters:  # who holds the very attribute comes first
            found = self._ask(
                lambda session, f=filter: _entries(  # type: ignore[misc]
                    session.search(base, f, scope, ("objectGUID",), limit=FEW)
                )
            )
            if found:
                return values.guid(found[0].first("objectGUID"))
        return None

    def apply(self, account: Account | None, step: Step) -> Outcome:
        """See `Target.apply`. Raises TargetDown only while nothing has been written."""
        with self._pool.lend() as session:
            return self._writer.apply(session, account, step)

    def close(self) -> None:
        """See `Target.close`."""
        self._pool.close()

    def _ask(self, question: Callable[[Session], T]) -> T:
        """A read; asked again once when an idle connection turned out to be dead."""
        for fresh in (False, True):
            reused = False
            try:
                with self._pool.lend(fresh=fresh) as session:
                    reused = session.reused
                    return question(session)
            except Lost:
                if not reused:
                    break
        raise TargetDown(
            "the domain controller stopped answering", "check its load and the network"
        )

    def _read(
        self, session: Session, link: Link | None, match: tuple[str, str] | None
    ) -> Account | None:
        found: Sequence[Entry] = ()
        try:
            if link is not None:
                found = _entries(
                    self._search(session, values.by_guid(link.anchor), "(objectClass=user)")
                )
            if not found and match is not None:
                filter = f"(&{PERSON}{values.equals(*match)})"
                found = _entries(self._search(session, None, filter))
        except values.Unwritable:
            return None
        if len(found) > 1:
            raise Ambiguous(tuple(values.extended_dn(entry.dn)[1] for entry in found))
        return self._account(found[0]) if found else None

    def _search(self, session: Session, base: str | None, filter: str) -> Answer:
        answer = session.search(
            base or self._config.base_dn,
            filter,
            ldap3.SUBTREE if base is None else ldap3.BASE,
            self._asked,
            controls=[extended_dn_control()],
            limit=FEW if base is None else 0,
        )
        if base is not None and answer.result == 32:
            return Answer(0, "")  # no such object: a fact, not a failure
        return answer

    def _account(self, entry: Entry) -> Account:
        raw = {name.lower(): found for name, found in entry.values.items()}
        _, dn = values.extended_dn(entry.dn)
        control = int(entry.first("userAccountControl"))
        attributes = {}
        for folded, name in self._shown.items():
            value = values.decode(name, raw.get(folded, ()))
            if value is not None and folded not in self._references:
                attributes[name] = value
        references = {}
        for folded, name in self._references.items():
            for target in raw.get(folded, ()):
                anchor, _ = values.extended_dn(target.decode())
                if anchor:
                    references[name] = anchor
        return Account(
            anchor=values.guid(entry.first("objectGUID")),
            hint=dn,
            enabled=not control & ACCOUNT_DISABLED,
            attributes=attributes,
            name=entry.first("cn").decode(),
            container=values.parent(dn),
            references=references,
            protected="adminCount=1" if list(raw.get("admincount", ())) == [b"1"] else None,
            state={"userAccountControl": control},
        )


def _entries(answer: Answer) -> tuple[Entry, ...]:
    """The entries; too many (result 4) is an answer too, a wrong base is not."""
    if answer.result != 4:
        raise_for_read(answer)
    return answer.entries
