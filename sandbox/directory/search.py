"""Searching: rootDSE, scopes, limits, pages, chosen attributes and ranges of values."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from sandbox.directory import errors, messages, schema
from sandbox.directory.ber import INTEGER, SEQUENCE, Malformed, Reader, element, integer, octets
from sandbox.directory.filters import candidates, compile_filter
from sandbox.directory.messages import Control, Result, Search
from sandbox.directory.schema import Attribute
from sandbox.directory.tree import Entry
from sandbox.directory.view import View

PAGED = "1.2.840.113556.1.4.319"
EXTENDED_DN = "1.2.840.113556.1.4.529"
SHOW_DELETED = "1.2.840.113556.1.4.417"
SHOW_RECYCLED = "1.2.840.113556.1.4.2064"
DOMAIN_SCOPE = "1.2.840.113556.1.4.1339"

MAX_PAGE = 1000
"""MaxPageSize: the most entries one answer brings."""
MAX_VALUES = 1500
"""MaxValRange: the most values of an attribute one answer brings."""

_RANGE = re.compile(r"range=(\d+)-(\d+|\*)", re.IGNORECASE)


@dataclass
class Pages:
    """Paged searches that one connection has under way: by cookie, what is still to come."""

    waiting: dict[bytes, list[bytes]] = field(default_factory=dict)


def extended_dn(controls: dict[str, Control]) -> int | None:
    """How DNs are wanted: None plainly, 0 hex, 1 text. Raises Malformed."""
    control = controls.get(EXTENDED_DN)
    if control is None:
        return None
    if not control.value:
        return 0
    return 1 if Reader(control.value).enter(SEQUENCE).integer() == 1 else 0


def run(
    request: Search, controls: dict[str, Control], view: View, pages: Pages, number: int
) -> Iterator[bytes]:
    """The answer's entries as messages, ended by the result. Raises Refused and Malformed."""
    deleted = SHOW_DELETED in controls or SHOW_RECYCLED in controls
    base = view.tree.resolve(request.base, deleted)
    paging = controls.get(PAGED)
    size, cookie = _read_paging(paging) if paging else (0, b"")
    chosen = _choice(request.attributes)
    rest: list[bytes]
    if cookie:
        known = pages.waiting.pop(cookie, None)
        if known is None:
            raise errors.comment(12, 0x57, "Error processing control")
        rest = known
    else:
        rest = [entry.guid for entry in _matching(request, view, base, deleted)]
    code = 0
    limit = min(size or MAX_PAGE, MAX_PAGE) if paging else MAX_PAGE
    if not paging and len(rest) > limit:
        code = 4
    if request.size_limit and len(rest) > request.size_limit and request.size_limit <= limit:
        limit, code = request.size_limit, 4
    now, later = (rest[:limit], rest[limit:]) if size or not paging else ([], [])
    for guid in now:
        entry = view.tree.entries.get(guid)
        if entry is not None:
            shown = chosen.of(entry, view)
            if request.types_only:
                shown = ((name, ()) for name, _ in shown)
            yield messages.write_entry(number, view.dn(guid), shown)
    if _at_domain(request, view, base) and DOMAIN_SCOPE not in controls and not cookie:
        for url in _references(view, base):
            yield messages.write_reference(number, url)
    answer: tuple[Control, ...] = ()
    if paging:
        cookie = b""
        if later and code == 0:
            cookie = secrets.token_bytes(8)
            pages.waiting[cookie] = later
        answer = (Control(PAGED, False, element(SEQUENCE, integer(0), octets(cookie))),)
    yield messages.write_result(number, request, Result(code, controls=answer))


def _read_paging(control: Control) -> tuple[int, bytes]:
    inside = Reader(control.value or b"").enter(SEQUENCE)
    size, cookie = inside.integer(INTEGER), inside.octets()
    if size < 0:
        raise Malformed("negative page size")
    return size, cookie


def _at_domain(request: Search, view: View, base: Entry) -> bool:
    return request.scope == 2 and base.parent is None and view.dn(base.guid)[:3].upper() == "DC="


def _references(view: View, base: Entry) -> Iterator[str]:
    """Where a search of the whole domain would go on: AD names three other contexts."""
    dn = view.tree.dn(base.guid)
    host = ".".join(value for _, value in view.tree.name(base.guid))
    for zone in ("ForestDnsZones", "DomainDnsZones"):
        yield f"ldap://{zone}.{host}/DC={zone},{dn}"
    yield f"ldap://{host}/CN=Configuration,{dn}"


def _matching(request: Search, view: View, base: Entry, deleted: bool) -> Iterator[Entry]:
    tree = view.tree
    fits = compile_filter(request.filter, view)
    found: Iterable[Entry]
    guids = None if request.scope == 0 or deleted else candidates(request.filter, view)
    if request.scope == 0:
        found = (base,)
    elif guids is not None:
        entries = [tree.entries[guid] for guid in guids]
        if request.scope == 1:
            found = [entry for entry in entries if entry.parent == base.guid]
        else:
            found = [entry for entry in entries if tree.stands_below(entry, base.guid)]
        found.sort(key=lambda entry: entry.number("uSNCreated"))
    elif request.scope == 1:
        found = (tree.entries[guid] for guid in tree.below(base.guid).values())
    else:
        found = tree.walk(base.guid)
    return (e for e in found if (deleted or not e.deleted) and fits(e) is True)


class _Choice:
    """The attributes a client asked for."""

    def __init__(self, asked: tuple[str, ...]) -> None:
        self._everything = not asked or "*" in asked
        self._named: list[tuple[Attribute, str, tuple[int, int | None] | None]] = []
        for text in dict.fromkeys(asked):
            name, *options = text.split(";")
            attribute = schema.ATTRIBUTES.get(name.lower())
            if attribute is None or attribute.secret:
                continue
            wanted: tuple[int, int | None] | None = None
            for option in options:
                match = _RANGE.fullmatch(option)
                if match:
                    last = None if match[2] == "*" else int(match[2])
                    wanted = int(match[1]), last
            self._named.append((attribute, attribute.name, wanted))

    def of(self, entry: Entry, view: View) -> Iterator[tuple[str, tuple[bytes, ...]]]:
        """Name and values of what the entry has of it."""
        given: set[str] = set()
        if self._everything:
            for attribute, values in view.shown(entry):
                given.add(attribute.name)
                yield from _ranged(attribute.name, values, None)
        for attribute, name, wanted in self._named:
            if name not in given or wanted:
                values = view.values(entry, attribute)
                if values:
                    yield from _ranged(name, values, wanted)


@lru_cache(maxsize=256)
def _choice(asked: tuple[str, ...]) -> _Choice:
    return _Choice(asked)


def _ranged(
    name: str, values: tuple[bytes, ...], wanted: tuple[int, int | None] | None
) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """A long list comes in pieces, `member;range=0-1499`, and plain `member` empty beside it."""
    if wanted is None:
        if len(values) <= MAX_VALUES:
            yield name, values
            return
        yield name, ()
        first, last = 0, MAX_VALUES - 1
    else:
        first = wanted[0]
        last = first + MAX_VALUES - 1
        if wanted[1] is not None:
            last = min(last, wanted[1])
    if first >= len(values) or last < first:
        return
    end = "*" if last >= len(values) - 1 else str(last)
    yield f"{name};range={first}-{end}", values[first : last + 1]


def root_dse(
    request: Search, attributes: dict[str, tuple[bytes, ...]], number: int
) -> Iterator[bytes]:
    """What the server says of itself (base "", scope base)."""
    asked = {name.lower() for name in request.attributes} - {"+"}
    everything = not asked or "*" in asked
    shown = [
        (name, () if request.types_only else values)
        for name, values in attributes.items()
        if everything or name.lower() in asked
    ]
    yield messages.write_entry(number, "", shown)
    yield messages.write_result(number, request, Result())
