"""Search filters: what an entry must be like to be found (MS-ADTS 3.1.1.3.1.3).

A condition is True, False or None (undefined: the attribute is not in the schema);
only True is found, and `not` leaves None as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from sandbox.directory import errors, names, schema
from sandbox.directory.ber import Malformed
from sandbox.directory.messages import (
    And,
    Compare,
    Extensible,
    Filter,
    Not,
    Or,
    Present,
    Substrings,
)
from sandbox.directory.schema import Attribute
from sandbox.directory.tree import Entry
from sandbox.directory.values import fold, guid_bytes, sid_bytes
from sandbox.directory.view import View

Condition: TypeAlias = Callable[[Entry], bool | None]

BIT_AND = "1.2.840.113556.1.4.803"
BIT_OR = "1.2.840.113556.1.4.804"
IN_CHAIN = "1.2.840.113556.1.4.1941"

_ANR = ("displayName", "givenName", "sn", "name", "sAMAccountName", "mail", "proxyAddresses")


def _never(entry: Entry) -> bool:
    return False


def _undefined(entry: Entry) -> None:
    return None


def compile_filter(condition: Filter, view: View) -> Condition:
    """The filter as a function. Raises Refused for a matching rule that is not known."""
    if isinstance(condition, And):
        return _both([compile_filter(part, view) for part in condition.parts], True)
    if isinstance(condition, Or):
        return _both([compile_filter(part, view) for part in condition.parts], False)
    if isinstance(condition, Not):
        inner = compile_filter(condition.part, view)

        def negated(entry: Entry) -> bool | None:
            found = inner(entry)
            return None if found is None else not found

        return negated
    if isinstance(condition, Compare) and condition.attribute.lower() == "anr":
        return _anr(condition.value, view)
    attribute = schema.ATTRIBUTES.get(condition.attribute.lower())
    if attribute is None or attribute.secret:
        return _undefined
    if isinstance(condition, Present):
        return lambda entry: bool(view.values(entry, attribute))
    if isinstance(condition, Substrings):
        return _substrings(condition, attribute, view)
    if isinstance(condition, Extensible):
        return _extensible(condition, attribute, view)
    if condition.how in ("=", "~="):
        return _equal(attribute, condition.value, view)
    return _ordered(attribute, condition.value, condition.how == ">=", view)


def _both(parts: list[Condition], every: bool) -> Condition:
    """All of them (`every`) or any of them, in three-valued logic."""

    def combined(entry: Entry) -> bool | None:
        answer: bool | None = every
        for part in parts:
            found = part(entry)
            if found is (not every):
                return found
            if found is None:
                answer = None
        return answer

    return combined


def key_of(attribute: Attribute, value: bytes, view: View) -> object:
    """The key that a filter's value asks for, a GUID for links.

    Raises ValueError when nothing can match it.
    """
    try:
        if attribute.syntax in ("link", "back"):
            return view.tree.resolve(value.decode(), deleted=True).guid
        if attribute.name == "objectCategory" and b"=" not in value:
            named = schema.CLASSES.get(value.decode().lower())
            category = named.category if named else value.decode()
            return fold(f"CN={category},{_schema_name(view)}")
        if attribute.syntax == "dn":
            if value[:1] == b"<":
                entry = view.tree.resolve(value.decode(), deleted=True)
                return fold(view.tree.dn(entry.guid))
            return fold(names.write(names.parse(value.decode())))
        if attribute.name in ("objectGUID", "parentGUID") and len(value) != 16:
            return guid_bytes(value.decode())
        if attribute.syntax == "sid" and value[:2].upper() == b"S-":
            return sid_bytes(value.decode())
        return attribute.key(value)
    except errors.Refused:
        raise ValueError from None


def _schema_name(view: View) -> str:
    for head in view.tree.heads.values():
        dn = view.tree.dn(head)
        if dn.startswith("CN=Configuration,"):
            return f"CN=Schema,{dn}"
    return ""


def _keys(attribute: Attribute, view: View) -> Callable[[Entry], Iterable[object]]:
    """A function that gives the keys of an entry's values."""
    if attribute.syntax in ("link", "back"):
        return lambda entry: view.links(entry, attribute)
    if attribute.syntax == "dn":
        plain = View(view.tree, view.clock)
        return lambda entry: (fold(v.decode()) for v in plain.values(entry, attribute))
    return lambda entry: (attribute.key(v) for v in view.values(entry, attribute))


def _equal(attribute: Attribute, value: bytes, view: View) -> Condition:
    try:
        wanted = key_of(attribute, value, view)
    except ValueError:
        return _never
    keys = _keys(attribute, view)
    return lambda entry: any(key == wanted for key in keys(entry))


def _ordered(attribute: Attribute, value: bytes, at_least: bool, view: View) -> Condition:
    if attribute.syntax in ("link", "back", "dn", "bool"):
        return _never
    try:
        wanted = attribute.key(value)
    except ValueError:
        return _never
    keys = _keys(attribute, view)
    if at_least:
        return lambda entry: any(key >= wanted for key in keys(entry))  # type: ignore[operator]
    return lambda entry: any(key <= wanted for key in keys(entry))  # type: ignore[operator]


def _substrings(condition: Substrings, attribute: Attribute, view: View) -> Condition:
    if attribute.syntax not in ("text", "ascii", "oid", "octets"):
        return _never
    textual = attribute.syntax != "octets"

    def plain(value: bytes) -> str:
        return fold(value.decode()) if textual else value.decode("latin-1")

    try:
        initial = plain(condition.initial or b"")
        final = plain(condition.final or b"")
        middle = [plain(piece) for piece in condition.middle]
    except UnicodeDecodeError:
        return _never

    def fits(value: str) -> bool:
        if len(value) < len(initial) + len(final):
            return False
        if not value.startswith(initial) or not value.endswith(final):
            return False
        place, end = len(initial), len(value) - len(final)
        for piece in middle:
            at = value.find(piece, place, end)
            if at < 0:
                return False
            place = at + len(piece)
        return True

    return lambda entry: any(fits(plain(value)) for value in view.values(entry, attribute))


def _extensible(condition: Extensible, attribute: Attribute, view: View) -> Condition:
    if condition.rule in ("", attribute.name):
        return _equal(attribute, condition.value, view)
    if condition.rule in (BIT_AND, BIT_OR):
        if attribute.syntax not in ("int", "large"):
            return _undefined
        try:
            mask = int(condition.value)
        except ValueError:
            return _never
        whole = condition.rule == BIT_AND

        def bits(entry: Entry) -> bool:
            for value in view.values(entry, attribute):
                common = int(value) & mask
                if (common == mask) if whole else (common != 0):
                    return True
            return False

        return bits
    if condition.rule == IN_CHAIN:
        return _in_chain(condition, attribute, view)
    raise errors.Refused(18, "")


def _in_chain(condition: Extensible, attribute: Attribute, view: View) -> Condition:
    """The link itself, and the links of what it leads to."""
    if attribute.syntax not in ("link", "back"):
        return _undefined
    try:
        wanted = key_of(attribute, condition.value, view)
    except ValueError:
        return _never
    assert isinstance(wanted, bytes)
    opposite = schema.ATTRIBUTES.get((attribute.partner or "").lower())
    reached: set[bytes] = set()
    waiting = [wanted]
    while waiting:  # backwards from the wanted entry: everyone from whom it can be reached
        entry = view.tree.entries[waiting.pop()]
        leading = (
            view.links(entry, opposite)
            if opposite
            else view.tree.sources(attribute.name, entry.guid)
        )
        fresh = set(leading) - reached
        reached |= fresh
        waiting += fresh
    return lambda entry: entry.guid in reached


def _anr(value: bytes, view: View) -> Condition:
    """Ambiguous name resolution: the beginning of any of a person's names, or first and last."""
    try:
        asked = fold(value.decode()).strip()
    except UnicodeDecodeError:
        return _never
    if not asked:
        return _never
    exact = asked.startswith("=")
    asked = asked.lstrip("=")
    first, _, last = asked.partition(" ")
    attributes = [schema.attribute(name) for name in _ANR]

    def texts(entry: Entry, attribute: Attribute) -> list[str]:
        return [fold(v.decode()) for v in view.values(entry, attribute)]

    def known(entry: Entry) -> bool:
        for attribute in attributes:
            for found in texts(entry, attribute):
                if found == asked or (not exact and found.startswith(asked)):
                    return True
        if not last:
            return False
        given, family = (texts(entry, schema.attribute(n)) for n in ("givenName", "sn"))
        pairs = [(g, f) for g in given for f in family]
        return any(
            (g.startswith(first) and f.startswith(last))
            or (g.startswith(last) and f.startswith(first))
            for g, f in pairs
        )

    return known


def candidates(condition: Filter, view: View) -> set[bytes] | None:
    """Entries among which everything that fits must be; None when only a full look helps."""
    if isinstance(condition, And):
        best: set[bytes] | None = None
        for part in condition.parts:
            found = candidates(part, view)
            if found is not None and (best is None or len(found) < len(best)):
                best = found
        return best
    if isinstance(condition, Or):
        union: set[bytes] = set()
        for part in condition.parts:
            found = candidates(part, view)
            if found is None:
                return None
            union |= found
        return union
    if not isinstance(condition, Compare) or condition.how != "=":
        return None
    attribute = schema.ATTRIBUTES.get(condition.attribute.lower())
    if attribute is None:
        return None
    try:
        key = key_of(attribute, condition.value, view)
        if attribute.name in ("cn", "ou", "name") and isinstance(key, str):
            return set(view.tree.called(key))
        if attribute.name == "objectGUID":
            return {key} if isinstance(key, bytes) and key in view.tree.entries else set()
        if attribute.syntax in ("link", "back") and isinstance(key, bytes):
            opposite = attribute.partner or ""
            if attribute.syntax == "link":
                return set(view.tree.sources(attribute.name, key))
            return set(view.tree.entries[key].links.get(opposite, ()))
        found_by_key = view.tree.found(attribute.name, key)
    except (ValueError, Malformed):
        return set()
    return None if found_by_key is None else set(found_by_key)
