"""The two sandbox directories side by side: who has which account, on one line per person.

Accounts come as `GET /sandbox/accounts` shows them; whose they are is known from the links
in the store, else from the employee number they carry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import Connection, select

from console.wording import display_name
from store.clocks import iso
from store.tables import account, person

PAGE = 100
"""People on one page."""

_SIDES = ("ad", "entra")
_DISABLED = 0x2  # userAccountControl, MS-ADTS 2.2.16 ADS_UF_ACCOUNTDISABLE
_PART = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)

Dump: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""`{"ad": [{"dn", "attributes"}], "entra": [Graph user with "manager"]}`."""
Shown: TypeAlias = dict[str, Any]


class DirectoriesDown(Exception):
    """The directories cannot be read; the text says why."""


@dataclass
class _Found:
    """One account of a directory, and what tells whose it is."""

    side: str
    anchor: str
    number: str
    name: str
    shown: Shown


@dataclass
class _Line:
    person: str | None = None
    name: str = ""
    number: str = ""
    sides: dict[str, Shown] = field(default_factory=dict)


def side_by_side(
    connection: Connection, dump: Dump, now: float, *, text: str = "", page: int = 1
) -> dict[str, Any]:
    """One page of people by name, with `ad` and `entra`: an account, or None for none.

    A side that the dump does not have is not one of `accounts` either: nothing is said of it.

    An account is `{"account", "state", "manager", "ou"}`; its state is `enabled`,
    `disabled`, or `deleted` where Muster made one that is there no more. `text` filters by
    name, number or account; `page` counts from 1; `now` is machine time.
    """
    found = [*_ad(dump.get("ad", ())), *_entra(dump.get("entra", ()))]
    links = connection.execute(select(account.c.person, account.c.target, account.c.anchor)).all()
    lines = _joined(found, {link.anchor.casefold(): link.person for link in links})
    present = {one.anchor for one in found}
    sides = [side for side in _SIDES if side in dump]
    gone = [
        (link.person, link.target)
        for link in links
        if link.target in sides and link.anchor.casefold() not in present
    ]
    _add_deleted(connection, lines, gone)
    wanted = sorted(
        (line for line in lines if _mentions(line, text.casefold())),
        key=lambda line: (line.name.casefold(), line.number),
    )
    return {
        "asOf": iso(now),
        "accounts": {side: sum(one.side == side for one in found) for side in sides},
        "totalResults": len(wanted),
        "page": page,
        "pages": max(1, -(-len(wanted) // PAGE)),
        "people": [
            {"person": line.person, "name": line.name, "key": line.number or None}
            | {side: line.sides.get(side) for side in _SIDES}
            for line in wanted[(page - 1) * PAGE : page * PAGE]
        ],
    }


def _joined(found: Iterable[_Found], owners: Mapping[str, str]) -> list[_Line]:
    """One line per person; an account that nobody can be found for has one of its own."""
    lines: list[_Line] = []
    by_person: dict[str, _Line] = {}
    by_number: dict[str, _Line] = {}
    # Linked accounts first: they tell whose a number is.
    for one in sorted(found, key=lambda one: one.anchor not in owners):
        person, number = owners.get(one.anchor), one.number.casefold()
        line = by_person.get(person) if person else None
        if line is None and number in by_number:
            other = by_number[number]
            line = other if None in (person, other.person) else None
        if line is None or one.side in line.sides:
            line = _Line()
            lines.append(line)
        line.sides[one.side] = one.shown
        line.person = line.person or person
        line.name, line.number = line.name or one.name, line.number or one.number
        if line.person:
            by_person.setdefault(line.person, line)
        if number:
            by_number.setdefault(number, line)
    return lines


def _add_deleted(
    connection: Connection, lines: list[_Line], gone: Sequence[tuple[str, str]]
) -> None:
    """Say of accounts (person, side) that they are no more, if need be on a new line."""
    by_person = {line.person: line for line in lines}
    unseen = sorted({who for who, _ in gone if who not in by_person})
    for start in range(0, len(unseen), PAGE):
        some = unseen[start : start + PAGE]
        for row in connection.execute(
            select(person.c.id, person.c.facts).where(person.c.id.in_(some))
        ):
            facts = json.loads(row.facts)
            number = str(facts.get("workerId") or facts.get("employeeNumber") or "")
            by_person[row.id] = _Line(row.id, display_name(facts) or row.id, number)
            lines.append(by_person[row.id])
    for who, side in gone:
        by_person[who].sides.setdefault(side, _shown("", "deleted", "", ""))


def _ad(entries: Iterable[Mapping[str, Any]]) -> Iterator[_Found]:
    entries = list(entries)
    names = {
        str(entry["dn"]).casefold(): _text(entry["attributes"].get("displayName"))
        for entry in entries
    }
    for entry in entries:
        found = entry["attributes"]
        control = _text(found.get("userAccountControl"))
        if not control.isdigit():
            continue  # a group or a contact
        path = _parts(str(entry["dn"]))
        manager = _text(found.get("manager"))
        above = names.get(manager.casefold()) or _value(*_parts(manager)[:1])
        units = [_value(part) for part in path[1:] if not part.upper().startswith("DC=")]
        state = "disabled" if int(control) & _DISABLED else "enabled"
        yield _Found(
            "ad",
            _text(found.get("objectGUID")).casefold(),
            _text(found.get("employeeID")),
            _text(found.get("displayName")) or _value(path[0]),
            _shown(_text(found.get("sAMAccountName")), state, above, " / ".join(reversed(units))),
        )


def _entra(users: Iterable[Mapping[str, Any]]) -> Iterator[_Found]:
    for user in users:
        upn = _text(user.get("userPrincipalName"))
        manager = user.get("manager") or {}
        state = "enabled" if user.get("accountEnabled") else "disabled"
        above = _text(manager.get("displayName")) or _text(manager.get("userPrincipalName"))
        yield _Found(
            "entra",
            _text(user.get("id")).casefold(),
            _text(user.get("employeeId")),
            _text(user.get("displayName")) or upn,
            _shown(upn, state, above, ""),
        )


def _shown(name: str, state: str, manager: str, ou: str) -> Shown:
    return {
        "account": name or None,
        "state": state,
        "manager": manager or None,
        "ou": ou or None,
    }


def _mentions(line: _Line, text: str) -> bool:
    accounts = [str(shown["account"] or "") for shown in line.sides.values()]
    return any(text in said.casefold() for said in (line.name, line.number, *accounts))


def _parts(dn: str) -> list[str]:
    return _PART.findall(dn)


def _value(part: str = "") -> str:
    """The value of one part of a DN, without its escapes (RFC 4514 section 2.4)."""

    def plain(escaped: re.Match[bytes]) -> bytes:
        inner = escaped[1]
        return bytes.fromhex(inner.decode()) if len(inner) == 2 else inner

    return _ESCAPED.sub(plain, part.partition("=")[2].encode()).decode(errors="replace")


def _text(value: Any) -> str:
    """One line of text, also of a list with one value in it."""
    if isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else str(value)
