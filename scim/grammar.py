# mypy: disable-error-code="name-defined,untyped-decorator"
# ruff: noqa: F821 - SLY lends the class body of a lexer its own words
"""The grammar of filters: scim2-filter-parser's lexer and parser, with three rules replaced.

`and` binds tighter than `or` (RFC 7644 section 3.4.2.2), strings are JSON strings with
escapes, and numbers, true, false and null keep their types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser, SCIMParserError
from sly import Parser

from scim.bodies import check_text
from scim.errors import invalid_filter

MAX_LENGTH = 16_384
MAX_DEPTH = 40
MAX_TERMS = 200


class _Lexer(SCIMLexer):  # type: ignore[misc]
    """The library's tokens with JSON literals (RFC 7159) in place of its own."""

    tokens = SCIMLexer.tokens
    ignore = " \t\r\n"

    @_(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
    def COMP_VALUE(self, t: Any) -> Any:
        try:
            t.value = json.loads(t.value)
        except ValueError:
            raise invalid_filter(f"The filter has a bad escape in {t.value[:80]}.") from None
        check_text(t.value)
        return t

    @_(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?(?![A-Za-z0-9_.$-])")
    def NUMBER(self, t: Any) -> Any:
        t.value = json.loads(t.value)
        return t

    @_(r"[tT][rR][uU][eE](?![A-Za-z0-9_:.$-])")
    def TRUE(self, t: Any) -> Any:
        t.value = True
        return t

    @_(r"[fF][aA][lL][sS][eE](?![A-Za-z0-9_:.$-])")
    def FALSE(self, t: Any) -> Any:
        t.value = False
        return t

    @_(r"[nN][uU][lL][lL](?![A-Za-z0-9_:.$-])")
    def NULL(self, t: Any) -> Any:
        t.value = None
        return t

    def error(self, t: Any) -> None:
        raise invalid_filter(f"The filter has {t.value[0]!r} at position {t.index + 1}.")


def _corrected_parser() -> Any:
    """The library's grammar with `and` binding tighter than `or`.

    SLY makes its tables when a class is created and knows no inheritance between parsers,
    so the rules are collected into a new class.
    """
    namespace = type(Parser).__prepare__("FilterParser", (Parser,))
    for name, value in vars(SCIMParser).items():
        if not name.startswith("_"):
            namespace[name] = value
    namespace["precedence"] = (("left", "OR"), ("left", "AND"), ("right", "NOT"))
    namespace["track_positions"] = False
    return type(Parser)("FilterParser", (Parser,), namespace)


_Parser = _corrected_parser()


def tree(text: str, *, loosely: bool) -> Any:
    """The library's tree of a filter; `loosely` lets `emails[0].value` and text without
    quotes (`externalId eq jyoung`) pass.

    Raises ScimError 400 invalidFilter.
    """
    if len(text) > MAX_LENGTH:
        raise invalid_filter(f"The filter is longer than {MAX_LENGTH} characters.")
    tokens = list(_Lexer().tokenize(_WORDS.sub(_quoted, text) if loosely else text))
    depth = terms = 0
    for token in tokens:
        if token.type in ("LPAREN", "LBRACKET"):
            depth += 1
        elif token.type in ("RPAREN", "RBRACKET"):
            depth -= 1
        elif token.type in ("AND", "OR"):
            terms += 1
        if depth > MAX_DEPTH:
            raise invalid_filter(f"The filter is nested deeper than {MAX_DEPTH} levels.")
    if terms >= MAX_TERMS:
        raise invalid_filter(f"The filter has more than {MAX_TERMS} terms.")
    try:
        found = _Parser().parse(iter(_without_indexes(tokens) if loosely else tokens))
    except SCIMParserError:
        found = None
    if found is None:
        raise invalid_filter(f"{text[:200]!r} is not a filter (RFC 7644 section 3.4.2.2).")
    return found


_WORDS = re.compile(
    r'"(?:[^"\\]|\\.)*"|(\s(?:eq|ne|co|sw|ew|gt|ge|lt|le)\s+)([^\s"()\[\]]+)', re.IGNORECASE
)
_LITERAL = re.compile(r"(?:true|false|null|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\Z", re.IGNORECASE)


def _quoted(found: re.Match[str]) -> str:
    operator, word = found.group(1), found.group(2)
    if operator is None or _LITERAL.match(word):
        return found.group()
    return f"{operator}{json.dumps(word, ensure_ascii=False)}"


def _without_indexes(tokens: list[Any]) -> Iterator[Any]:
    """`emails[0].value`, as SAP's Identity Provisioning writes it, becomes `emails.value`."""
    position = 0
    while position < len(tokens):
        window = [token.type for token in tokens[position : position + 3]]
        if window == ["LBRACKET", "NUMBER", "RBRACKET"]:
            position += 3
            continue
        yield tokens[position]
        position += 1
