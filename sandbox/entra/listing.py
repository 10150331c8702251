"""Collections and projections: `$select`, `$expand`, `$filter`, `$search`, `$orderby`, pages."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.entra import errors, schema
from sandbox.entra.directory import Answer, Call, Directory
from sandbox.entra.query import Filter, needs_advanced, parse_filter
from sandbox.entra.tenant import Entry, Kind, fold

TYPES: Mapping[Kind, str] = {"user": "User", "group": "Group"}
DEFAULTS: Mapping[Kind, tuple[str, ...]] = {
    "user": (
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    ),
    "group": (
        "id",
        "deletedDateTime",
        "classification",
        "createdDateTime",
        "description",
        "displayName",
        "groupTypes",
        "isAssignableToRole",
        "mail",
        "mailEnabled",
        "mailNickname",
        "membershipRule",
        "membershipRuleProcessingState",
        "onPremisesSyncEnabled",
        "proxyAddresses",
        "securityEnabled",
        "securityIdentifier",
        "visibility",
    ),
}
_OPTIONS = frozenset(
    {"$count", "$expand", "$filter", "$format", "$orderby", "$search", "$select", "$skiptoken"}
    | {"$top"}
)
_SORTABLE = frozenset({"createdDateTime", "displayName", "userPrincipalName"})
_SEARCHED = frozenset(
    {"displayName", "givenName", "mail", "mailNickname", "surname", "userPrincipalName"}
)
_EXPAND = re.compile(r"(?P<name>\w+)(\((?P<inner>[^()]*(\([^()]*\))?[^()]*)\))?")
_CLAUSE = re.compile(r'"(?P<name>\w+):(?P<value>(?:[^"\\]|\\.)*)"')
_PAGE, _LARGEST = 100, 999
_EXPANDED_PAGE = 100
"""With `$expand`, Graph gives no more in one page, whatever `$top` says."""

Expand = Callable[[Entry, str, tuple[str, ...] | None], Any]
"""The value of a relation of an object, or None to leave it out."""


@dataclass(frozen=True)
class Shape:
    """What to show of an object."""

    select: tuple[str, ...] | None
    """None: the default properties."""
    expand: tuple[tuple[str, tuple[str, ...] | None], ...] = ()
    """Relations with their own `$select`."""


def shape(call: Call, kind: Kind) -> Shape:
    """Read `$select` and `$expand`. Raises GraphError 400 for what is not there, 403
    when the token may not read a property."""
    for name in call.query:
        if name == "$skip":
            raise errors.unsupported_query("'$skip' is not supported by the service.")
        if name.startswith("$") and name not in _OPTIONS:
            raise errors.malformed(f"The query parameter '{name}' is not supported.")
    wanted = _shape(call.query.get("$select", ""), call.query.get("$expand", ""), kind)
    if "employeeLeaveDateTime" in (wanted.select or ()) and not call.roles & {
        "User-LifeCycleInfo.Read.All",
        "User-LifeCycleInfo.ReadWrite.All",
    }:
        raise errors.denied()
    return wanted


@lru_cache(maxsize=256)
def _shape(selected: str, expanded: str, kind: Kind) -> Shape:
    """A client asks for the same properties again and again."""
    expand: list[tuple[str, tuple[str, ...] | None]] = []
    if text := expanded:
        found = _EXPAND.fullmatch(text.strip())
        if not found:
            raise errors.malformed("Parsing OData Select and Expand failed: Syntax error.")
        name = found["name"]
        target = schema.field(TYPES[kind], name)
        if target is None or not target.relation:
            raise _no_property(name, kind)
        inner = dict(part.strip().partition("=")[::2] for part in (found["inner"] or "").split(";"))
        expand.append((name, _names(inner["$select"], "user") if "$select" in inner else None))
    return Shape(_names(selected, kind) if selected else None, tuple(expand))


def show(entry: Entry, wanted: Shape, expand: Expand | None = None) -> dict[str, Any]:
    """The object as JSON, without `@odata.context`."""
    document = entry.document
    blank = _blank(DEFAULTS[entry.kind] if wanted.select is None else wanted.select, entry.kind)
    shown = {name: document.get(name, empty) for name, empty in blank}
    for name, select in wanted.expand:
        value = expand(entry, name, select) if expand else None
        if value is not None:
            shown[name] = value
    return shown


@lru_cache(maxsize=256)
def _blank(names: tuple[str, ...], kind: Kind) -> tuple[tuple[str, Any], ...]:
    """Each property with what Graph shows when it has no value: null, `[]`, or nulls in it."""
    blank: list[tuple[str, Any]] = []
    for name in names:
        found = schema.field(TYPES[kind], name)
        if name == "onPremisesExtensionAttributes" and found is not None:
            blank.append((name, dict.fromkeys(schema.fields(found.type))))
        else:
            blank.append((name, [] if found is not None and found.many else None))
    return tuple(blank)


def member(entry: Entry, select: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The object as one of a collection of directory objects: its type is told."""
    return {"@odata.type": f"#microsoft.graph.{entry.kind}"} | show(entry, Shape(select))


def context(directory: Directory, name: str, wanted: Shape, *, one: bool) -> str:
    """`@odata.context` of an answer."""
    return f"{directory.base}/$metadata#{name}{_columns(wanted)}" + ("/$entity" if one else "")


@lru_cache(maxsize=256)
def _columns(wanted: Shape) -> str:
    parts = list(wanted.select or ()) + [f"{name}()" for name, _ in wanted.expand]
    return f"({','.join(parts)})" if parts else ""


def answer_created(directory: Directory, entry: Entry) -> Answer:
    """201 with the new object and where it is."""
    plural = f"{entry.kind}s"
    head = {"@odata.context": context(directory, plural, Shape(None), one=True)}
    location = f"{directory.base}/{plural}/{entry.id}"
    return Answer(201, head | show(entry, Shape(None)), {"Location": location})


def answer_one(
    directory: Directory, call: Call, entry: Entry, expand: Expand | None = None
) -> Answer:
    """200 with one object."""
    wanted = shape(call, entry.kind)
    head = {"@odata.context": context(directory, f"{entry.kind}s", wanted, one=True)}
    return Answer(200, head | show(entry, wanted, expand))


def answer_page(
    directory: Directory,
    call: Call,
    kind: Kind,
    source: Callable[[Filter | None, int], Iterable[Entry]],
    render: Callable[[Entry, Shape], dict[str, Any]],
    name: str,
) -> Answer:
    """200 with a page of objects. `source(filter, after)` gives candidates in order of creation."""
    wanted = shape(call, kind)
    top = min(_top(call), _EXPANDED_PAGE if wanted.expand else _LARGEST)
    tests, parsed = _tests(call, kind)
    order = _order(call, parsed)
    after = _after(call)
    counted = call.eventual and call.query.get("$count", "").lower() == "true"

    def matching(start: int) -> Iterator[Entry]:
        return (
            entry
            for entry in source(parsed, start)
            if entry.number > start and all(test(entry.document) for test in tests)
        )

    if order is None:
        found = matching(after)
        page = list(islice(found, top))
        more = next(found, None) is not None
        token = page[-1].number if page else 0
    else:
        name_of, descending = order
        everything = sorted(
            matching(0), key=lambda e: fold(str(e.document.get(name_of) or "")), reverse=descending
        )
        page, more, token = (
            everything[after : after + top],
            len(everything) > after + top,
            after + top,
        )
    body: dict[str, Any] = {"@odata.context": context(directory, name, wanted, one=False)}
    if counted:
        body["@odata.count"] = sum(1 for _ in matching(0))
    if more:
        query = dict(call.query) | {"$skiptoken": _token(token)}
        path = "/".join(quote(segment, safe="$@.'!~-_") for segment in call.segments)
        body["@odata.nextLink"] = (
            f"{call.base or directory.base}/{path}?{urlencode(query, safe='$')}"
        )
    body["value"] = [render(entry, wanted) for entry in page]
    return Answer(200, body)


def answer_count(call: Call, kind: Kind, entries: Iterable[Entry]) -> Answer:
    """200 with the bare number, for `/users/$count`."""
    if not call.eventual:
        raise errors.bad_request("$count is not currently supported.")
    tests, _ = _tests(call, kind)
    number = sum(1 for entry in entries if all(test(entry.document) for test in tests))
    return Answer(200, str(number).encode(), {"Content-Type": "text/plain"})


def _tests(
    call: Call, kind: Kind
) -> tuple[list[Callable[[Mapping[str, Any]], bool]], Filter | None]:
    tests: list[Callable[[Mapping[str, Any]], bool]] = []
    parsed: Filter | None = None
    counting = call.query.get("$count", "").lower() == "true" or call.segments[-1] == "$count"
    if text := call.query.get("$filter"):
        parsed = parse_filter(text, TYPES[kind])
        if parsed.advanced and not (call.eventual and counting):
            raise needs_advanced(parsed.advanced)
        tests.append(parsed.test)
    if text := call.query.get("$search"):
        if not call.eventual:
            raise errors.unsupported_query(
                "Request with $search query parameter only works through MSGraph with a special "
                "request header: 'ConsistencyLevel: eventual'"
            )
        tests.append(_search(text))
    return tests, parsed


def _search(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """`"displayName:an" OR "mail:an"`: every word of the value begins a word of the property."""
    clauses: list[tuple[str, str, list[str]]] = []
    position, joint = 0, "OR"
    while True:
        found = _CLAUSE.match(text, position)
        if not found or found["name"] not in _SEARCHED:
            raise errors.malformed(f"Syntax error at position {position} in '{text}'.")
        clauses.append((joint, found["name"], fold(found["value"]).split()))
        rest = text[found.end() :]
        if not rest.strip():
            break
        word = re.match(r"\s+(AND|OR)\s+", rest)
        if not word:
            raise errors.malformed(f"Syntax error at position {found.end()} in '{text}'.")
        joint, position = word[1], found.end() + word.end()

    def one(document: Mapping[str, Any], name: str, words: list[str]) -> bool:
        own = re.split(r"[\s\-.@_']+", fold(str(document.get(name) or "")))
        whole = fold(str(document.get(name) or ""))
        return all(whole.startswith(w) or any(o.startswith(w) for o in own) for w in words)

    def test(document: Mapping[str, Any]) -> bool:
        # AND binds closer than OR: the clauses are alternatives of conjunctions.
        result, conjunction = False, True
        for index, (word, name, words) in enumerate(clauses):
            if word == "OR" and index:
                result, conjunction = result or conjunction, True
            conjunction = conjunction and one(document, name, words)
        return result or conjunction

    return test


def _names(text: str, kind: Kind) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        found = schema.field(TYPES[kind], name.partition("/")[0])
        if name != "*" and found is None and not schema.is_extension(name):
            raise _no_property(name, kind)
    if "*" in names:
        return tuple(n for n, f in schema.fields(TYPES[kind]).items() if not f.relation)
    return tuple(
        name
        for name in (name.partition("/")[0] for name in names)
        if (found := schema.field(TYPES[kind], name)) is None or not found.relation
    )


def _no_property(name: str, kind: Kind) -> errors.GraphError:
    return errors.malformed(
        f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on "
        f"type '{schema.graph_name(TYPES[kind])}'."
    )


def _top(call: Call) -> int:
    text = call.query.get("$top")
    if text is None:
        return _PAGE
    try:
        top = int(text)
    except ValueError:
        raise errors.malformed(
            f"Invalid value '{text}' for $top query option found. The $top query option requires "
            "a non-negative integer value."
        ) from None
    if not 1 <= top <= _LARGEST:
        raise errors.unsupported_query(
            f"Invalid page size specified: '{top}'. Must be between 1 and {_LARGEST} inclusive."
        )
    return top


def _order(call: Call, parsed: Filter | None) -> tuple[str, bool] | None:
    text = call.query.get("$orderby")
    if not text:
        return None
    name, _, direction = text.strip().partition(" ")
    if direction.strip() not in ("", "asc", "desc"):
        raise errors.malformed(f"Syntax error at position {len(name) + 1} in '{text}'.")
    counting = call.query.get("$count", "").lower() == "true"
    if name not in _SORTABLE or (parsed is not None and not (call.eventual and counting)):
        raise errors.unsupported_query("Sorting not supported for current query.")
    return name, direction.strip() == "desc"


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(f"muster:{number}".encode()).decode()


def _after(call: Call) -> int:
    text = call.query.get("$skiptoken")
    if text is None:
        return 0
    try:
        mark, _, number = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
        if mark == "muster" and number.isdecimal() and len(number) < 16:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise errors.GraphError(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
    )
