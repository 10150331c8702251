"""`$filter` of Graph's directory: parsing, and deciding which objects it means.

A subset, refused as Graph refuses the rest: comparisons, `in`, `startsWith`, `endsWith`,
`any`, `and`, `or`, `not`. Source: "Advanced query capabilities on Microsoft Entra ID objects".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sandbox.entra import errors, schema
from sandbox.entra.errors import GraphError
from sandbox.entra.tenant import INDEXED, Clue, address, fold

Test: TypeAlias = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
  | (?P<instant>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)
  | (?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})
  | (?P<number>-?\d+(?:\.\d+)?)
  | (?P<word>[A-Za-z_]\w*(?:/\$?[A-Za-z_]\w*)*)
  | (?P<mark>[(),:])
  )""",
    re.VERBOSE,
)
_OPERATORS = {
    "eq": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}
_NOT_FILTERABLE = frozenset(
    {
        "aboutMe",
        "birthday",
        "deviceEnrollmentLimit",
        "hireDate",
        "interests",
        "lastPasswordChangeDateTime",
        "mySite",
        "passwordProfile",
        "pastProjects",
        "preferredName",
        "responsibilities",
        "schools",
        "signInSessionsValidFromDateTime",
        "skills",
    }
)
_MOST_TOKENS = 800
_ENDS_WITH = frozenset({"mail", "otherMails", "proxyAddresses", "userPrincipalName"})


@dataclass(frozen=True)
class Filter:
    """A parsed `$filter`. `advanced`: it needs ConsistencyLevel eventual and $count=true."""

    test: Test
    advanced: str | None = None
    """The operator that needs them, as the error names it."""
    among: tuple[Clue, ...] | None = None
    """Of which an object must answer to one: where to look. None: everywhere."""

    @property
    def indexed(self) -> tuple[Clue, ...] | None:
        """As :attr:`among`, if only whole values are asked for."""
        return None if self.among is None or any(c.ends for c in self.among) else self.among


@dataclass(frozen=True)
class _Literal:
    value: Any
    kind: str  # text, instant, guid, number, bool, null


def parse_filter(text: str, type_name: str) -> Filter:
    """Parse `text` for the resource type (`User`). Raises GraphError 400."""
    try:
        return _Parser(text, type_name).parse()
    except RecursionError:
        raise errors.malformed("Invalid filter clause: The node count limit is exceeded.") from None


def needs_advanced(operator: str) -> GraphError:
    return errors.unsupported_query(
        f"Operator '{operator}' is not supported because the required parameters might be "
        "missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. "
        "Refer to https://aka.ms/graph-docs/advanced-queries for more information"
    )


class _Parser:
    def __init__(self, text: str, type_name: str) -> None:
        self._text = text
        self._type = type_name
        self._resource = type_name
        self._tokens: list[tuple[str, str, int]] = []
        self._at = 0
        self._variables: set[str] = set()
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if not found or not found.lastgroup:
                raise self._syntax(position)
            if len(self._tokens) >= _MOST_TOKENS:
                raise errors.malformed("Invalid filter clause: The node count limit is exceeded.")
            self._tokens.append((found.lastgroup, found[found.lastgroup], position))
            position = found.end()

    def parse(self) -> Filter:
        result = self._or()
        if self._at < len(self._tokens):
            raise self._syntax(self._tokens[self._at][2])
        return result

    # The grammar, loosest first.

    def _or(self) -> Filter:
        left = self._and()
        while self._accept("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Filter:
        left = self._not()
        while self._accept("and"):
            left = _both(left, self._not())
        return left

    def _not(self) -> Filter:
        if self._accept("not"):
            inner = self._not()
            return Filter(lambda document: not inner.test(document), "not")
        return self._primary()

    def _primary(self) -> Filter:
        if self._accept("("):
            inner = self._or()
            self._expect("(", ")")
            return inner
        word = self._word()
        if self._accept("("):
            return self._call(word)
        return self._comparison(word)

    def _comparison(self, path: str) -> Filter:
        getter, expected, advanced = self._path(path)
        operator = self._word()
        if operator == "in":
            self._expect("in", "(")
            allowed = [self._literal()]
            while self._accept(","):
                allowed.append(self._literal())
            self._expect("in", ")")
            for literal in allowed:
                self._types_fit(expected, literal, "eq")
            keys = [_key(literal.value, literal.kind) for literal in allowed]
            return Filter(lambda d: _key(getter(d), allowed[0].kind) in keys, advanced)
        if operator not in _OPERATORS:
            raise self._syntax(self._tokens[self._at - 1][2])
        literal = self._literal()
        self._types_fit(expected, literal, operator)
        if operator == "ne":
            advanced = "ne"
        among = None
        known = path in INDEXED or path in self._variables
        if operator == "eq" and known and isinstance(literal.value, str):
            among = (Clue(path, literal.value),)
        return Filter(lambda d: _compare(getter(d), operator, literal), advanced, among)

    def _call(self, word: str) -> Filter:
        path, _, name = word.rpartition("/")
        if name == "any" and path:
            return self._any(path)
        function = word.lower()
        if function not in ("startswith", "endswith"):
            raise errors.unsupported_query(
                f"Unsupported or invalid query filter clause specified for property "
                f"'{self._peek_word()}' of resource '{self._resource}'."
            )
        path = self._word()
        getter, expected, advanced = self._path(path)
        if expected is not None and expected.edm != "Edm.String":
            raise self._unsupported(path)
        self._expect(word, ",")
        literal = self._literal()
        if literal.kind != "text":
            raise self._syntax(self._tokens[self._at - 1][2])
        self._expect(word, ")")
        wanted = fold(literal.value)
        if function == "startswith":
            return Filter(lambda d: fold(str(getter(d) or "")).startswith(wanted), advanced)
        if not self._variables and path not in _ENDS_WITH:
            raise self._unsupported(path)
        among = (Clue(path, literal.value, True),) if path == "userPrincipalName" else None
        return Filter(lambda d: fold(str(getter(d) or "")).endswith(wanted), "endsWith", among)

    def _any(self, path: str) -> Filter:
        getter, expected, _ = self._path(path)
        if expected is None or not expected.many:
            raise self._syntax(self._tokens[self._at - 1][2])
        variable = self._word()
        self._expect(variable, ":")
        self._variables.add(variable)
        inner = self._or()
        self._variables.discard(variable)
        self._expect("any", ")")

        def test(document: Mapping[str, Any]) -> bool:
            items = getter(document) or ()
            return any(inner.test({**document, variable: item}) for item in items)

        among = None
        if (
            inner.among is not None
            and path in INDEXED
            and {clue[0::2] for clue in inner.among} == {(variable, False)}
        ):
            among = tuple(Clue(path, address(clue.value)) for clue in inner.among)
        return Filter(test, inner.advanced, among)

    def _path(self, path: str) -> tuple[Callable[[Mapping[str, Any]], Any], Any, str | None]:
        """How to get the value, its type where known, and whether it is an advanced query."""
        parts = path.split("/")
        if parts[0] in self._variables:
            return _getter(parts), None, None
        advanced = None
        if parts[-1] == "$count":
            parts, advanced = parts[:-1], "$count"
        expected = schema.field(self._type, "/".join(parts))
        if expected is None and not schema.is_extension(parts[0]):
            raise errors.malformed(
                f"Invalid filter clause: Could not find a property named '{parts[-1]}' on type "
                f"'{schema.graph_name(self._type)}'."
            )
        if expected is not None and (parts[0] in _NOT_FILTERABLE or expected.relation):
            raise self._unsupported(parts[0])
        if parts[0] == "onPremisesExtensionAttributes":
            advanced = "eq"
        if advanced == "$count":
            get = _getter(parts)
            return lambda document: len(get(document) or ()), None, advanced
        return _getter(parts), expected, advanced

    def _literal(self) -> _Literal:
        if self._at >= len(self._tokens):
            raise self._syntax(len(self._text))
        kind, text, position = self._tokens[self._at]
        self._at += 1
        if kind == "text":
            return _Literal(text[1:-1].replace("''", "'"), "text")
        if kind == "number":
            return _Literal(float(text), "number")
        if kind == "guid":
            return _Literal(text, "guid")
        if kind == "instant":
            try:
                return _Literal(_moment(text), "instant")
            except ValueError:
                raise self._syntax(position) from None
        if text in ("true", "false"):
            return _Literal(text == "true", "bool")
        if text == "null":
            return _Literal(None, "null")
        raise self._syntax(position)

    def _types_fit(self, expected: schema.Field | None, literal: _Literal, operator: str) -> None:
        """Graph compares a Boolean with a Boolean and a text with a text, else 400."""
        if expected is None or literal.kind == "null":
            return
        if expected.many or expected.kind == "object":
            raise errors.malformed("Invalid filter clause: The operand must be a single value.")
        edm = {
            "text": "Edm.String",
            "guid": "Edm.Guid",
            "number": "Edm.Int32",
            "bool": "Edm.Boolean",
            "instant": "Edm.DateTimeOffset",
        }[literal.kind]
        if expected.edm != edm:
            raise errors.malformed(
                "Invalid filter clause: A binary operator with incompatible types was detected. "
                f"Found operand types '{expected.edm}' and '{edm}' for operator kind "
                f"'{_OPERATORS[operator]}'."
            )

    def _accept(self, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1] == text:
            self._at += 1
            return True
        return False

    def _expect(self, _after: str, text: str) -> None:
        if not self._accept(text):
            raise self._syntax(self._position())

    def _word(self) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "word":
            self._at += 1
            return self._tokens[self._at - 1][1]
        raise self._syntax(self._position())

    def _peek_word(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _position(self) -> int:
        return self._tokens[self._at][2] if self._at < len(self._tokens) else len(self._text)

    def _syntax(self, position: int) -> GraphError:
        return errors.malformed(
            f"Invalid filter clause: Syntax error at position {position} in '{self._text}'."
        )

    def _unsupported(self, name: str) -> GraphError:
        return errors.unsupported_query(
            f"Unsupported or invalid query filter clause specified for property '{name}' of "
            f"resource '{self._resource}'."
        )


def _both(left: Filter, right: Filter) -> Filter:
    return Filter(
        lambda document: left.test(document) and right.test(document),
        left.advanced or right.advanced,
        left.among or right.among,
    )


def _either(left: Filter, right: Filter) -> Filter:
    return Filter(
        lambda document: left.test(document) or right.test(document),
        left.advanced or right.advanced,
        (*left.among, *right.among) if left.among and right.among else None,
    )


def _getter(parts: list[str]) -> Callable[[Mapping[str, Any]], Any]:
    def get(document: Mapping[str, Any]) -> Any:
        value: Any = document
        for part in parts:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    return get


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00+00:00")
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return moment


def _key(value: Any, kind: str) -> Any:
    """The value in the form in which it is compared with a literal of this kind."""
    if isinstance(value, str):
        return _moment(value) if kind == "instant" else fold(value)
    return value


def _compare(value: Any, operator: str, literal: _Literal) -> bool:
    try:
        left, right = _key(value, literal.kind), _key(literal.value, literal.kind)
    except ValueError:  # a text that is no instant
        return operator == "ne"
    if operator == "eq":
        return bool(left == right)
    if operator == "ne":
        return bool(left != right)
    if left is None or right is None or type(left) is not type(right):
        return False
    if operator == "gt":
        return bool(left > right)
    if operator == "ge":
        return bool(left >= right)
    if operator == "lt":
        return bool(left < right)
    return bool(left <= right)
