"""Functions of Entra's expression language, meant to give what Entra gives.

Where its documentation says nothing, `docs/mappings.md` says what we do.
"""

from __future__ import annotations

import re

from mappings import dates, dotnet, replace
from mappings.expression import Node, Omitted, Scope
from mappings.letters import without_diacritics
from mappings.registry import constant, function, whole
from mappings.values import Value, each, empty, first, many, number, text, truth

# --- logic -------------------------------------------------------------------------


@function("IIF", 3, 3, lazy=True, blank=(1, 2))
def _iif(nodes: tuple[Node, ...], scope: Scope, several: bool) -> Value:
    """Only the branch taken is evaluated; nothing and "" as a condition are false."""
    return nodes[1 if truth(nodes[0].evaluate(scope)) else 2].evaluate(scope, several)


def _check_switch(nodes: tuple[Node, ...]) -> str | None:
    if len(nodes) % 2:
        return "a key without a value (write source, default, key, value, ...)"
    return None


@function("Switch", 4, None, lazy=True, blank=(1, 3), check=_check_switch)
def _switch(nodes: tuple[Node, ...], scope: Scope, several: bool) -> Value:
    """First equal key, case-sensitive; key "" meets nothing as well."""
    source = text(nodes[0].evaluate(scope)) or ""
    for key, value in zip(nodes[2::2], nodes[3::2], strict=True):
        if (text(key.evaluate(scope)) or "") == source:
            return value.evaluate(scope, several)
    return nodes[1].evaluate(scope, several)


@function("Coalesce", 1, None, lazy=True)
def _coalesce(nodes: tuple[Node, ...], scope: Scope, several: bool) -> Value:
    """The first value there is. "" counts as one; a path never gives it."""
    for node in nodes:
        value = node.evaluate(scope, several)
        if first(value) is not None:
            return value
    return None


@function("IsNullOrEmpty", 1, 1)
def _is_null_or_empty(scope: Scope, value: Value) -> Value:
    return empty(value)


@function("IsPresent", 1, 1)
def _is_present(scope: Scope, value: Value) -> Value:
    return not empty(value)


@function("IsNull", 1, 1)
def _is_null(scope: Scope, value: Value) -> Value:
    return first(value) is None


@function("CBool", 1, 1)
def _cbool(scope: Scope, value: Value) -> Value:
    """Zero is false. Also reads true/false as HR spells them; nothing stays nothing."""
    if empty(value):
        return None
    result = truth(value)
    if result is None:
        scope.problem("CBool: neither true nor false")
    return result


@function("Not", 1, 1)
def _not(scope: Scope, value: Value) -> Value:
    """True becomes False, everything else, nothing included, True (as in Entra)."""
    return truth(value) is not True


# --- text --------------------------------------------------------------------------


@function("Join", 2, None, lazy=True)
def _join(nodes: tuple[Node, ...], scope: Scope, several: bool) -> Value:
    """Empty sources vanish with their separator; every value of a list counts."""
    separator = text(nodes[0].evaluate(scope)) or ""
    parts = (text(part) for node in nodes[1:] for part in many(node.evaluate(scope, True)))
    return separator.join(part for part in parts if part)


@function("Append", 2, 2)
def _append(scope: Scope, source: Value, suffix: Value) -> Value:
    return (text(source) or "") + (text(suffix) or "")


@function("Left", 2, 2)
def _left(scope: Scope, source: Value, count: Value) -> Value:
    wanted = whole(scope, count, "Left: the length")
    if wanted is None:
        return None
    value = text(source) or ""
    return value if wanted < 0 else value[:wanted]


@function("Mid", 3, 3)
def _mid(scope: Scope, source: Value, start: Value, length: Value) -> Value:
    """Positions count from 1; past the end is ""."""
    begin = whole(scope, start, "Mid: the start")
    count = whole(scope, length, "Mid: the length")
    if begin is None or count is None:
        return None
    if begin < 1 or count < 0:
        scope.problem("Mid: the start counts from 1 and the length from 0")
        return ""
    return (text(source) or "")[begin - 1 : begin - 1 + count]


@function("Len", 1, 1)
def _len(scope: Scope, source: Value) -> Value:
    return len(text(source) or "")


@function("InStr", 2, 4)
def _instr(
    scope: Scope, source: Value, find: Value, start: Value = None, compare: Value = None
) -> Value:
    """Position from 1, 0 when absent; case counts unless vbTextCompare."""
    begin = 1 if start is None else whole(scope, start, "InStr: the start")
    if begin is None or begin < 1:
        return 0
    haystack, needle = text(source) or "", text(find) or ""
    if number(compare) == 1:
        haystack, needle = haystack.lower(), needle.lower()
    return haystack.find(needle, begin - 1) + 1 if haystack else 0


@function("Word", 3, 3)
def _word(scope: Scope, source: Value, index: Value, delimiters: Value) -> Value:
    """The index-th word; runs of delimiters count once, too few words give ""."""
    wanted = whole(scope, index, "Word: the number")
    split = text(delimiters) or ""
    value = text(source) or ""
    if wanted is None or wanted < 1:
        return ""
    words = re.split(f"[{re.escape(split)}]+", value) if split else [value]
    words = [word for word in words if word]
    return words[wanted - 1] if wanted <= len(words) else ""


@function("StripSpaces", 1, 1)
def _strip_spaces(scope: Scope, source: Value) -> Value:
    return each(source, lambda value: value.replace(" ", ""))


@function("Trim", 1, 1)
def _trim(scope: Scope, source: Value) -> Value:
    return each(source, str.strip)


def _turkic(culture: Value) -> bool:
    return (text(culture) or "").lower()[:2] in ("tr", "az")


@function("ToLower", 1, 2)
def _to_lower(scope: Scope, source: Value, culture: Value = None) -> Value:
    if _turkic(culture):
        return each(source, lambda value: value.replace("İ", "i").replace("I", "ı").lower())
    return each(source, str.lower)


@function("ToUpper", 1, 2)
def _to_upper(scope: Scope, source: Value, culture: Value = None) -> Value:
    if _turkic(culture):
        return each(source, lambda value: value.replace("i", "İ").upper())
    return each(source, str.upper)


@function("PCase", 1, 2)
def _pcase(scope: Scope, source: Value, separators: Value = None) -> Value:
    return each(source, lambda value: dotnet.title_case(value, text(separators)))


@function("NormalizeDiacritics", 1, 1)
def _normalize_diacritics(scope: Scope, source: Value) -> Value:
    return each(source, without_diacritics)


@function("Item", 2, 2, lazy=True)
def _item(nodes: tuple[Node, ...], scope: Scope, several: bool) -> Value:
    """Counts from 1; out of range is a problem."""
    values = many(nodes[0].evaluate(scope, True))
    index = whole(scope, nodes[1].evaluate(scope), "Item: the index")
    if index is None or not values:
        return None
    if not 1 <= index <= len(values):
        scope.problem(f"Item: there is no value number {index}")
        return None
    return values[index - 1]


def _check_replace(nodes: tuple[Node, ...]) -> str | None:
    pattern = constant(nodes, 2)
    if pattern:
        try:
            compiled = replace.compiled(pattern)
        except replace.PatternError as error:
            return str(error)
        group = constant(nodes, 3)
        if group and not group.isdigit() and group not in compiled.groupindex:
            return f"the pattern has no group {group}"
    given = {index for index, node in enumerate(nodes) if not isinstance(node, Omitted)}
    if not given & {4, 5, 6} or not given & {1, 2}:
        return "nothing to replace, or nothing to replace it by"
    return None


@function("Replace", 2, 7, blank=(1,), check=_check_replace)
def _replace(
    scope: Scope,
    source: Value,
    old: Value = None,
    pattern: Value = None,
    group: Value = None,
    new: Value = None,
    other: Value = None,
    template: Value = None,
) -> Value:
    value, regex_text = text(source), text(pattern)
    try:
        if regex_text and group is not None and other is not None:
            if value:
                return value
            return replace.extract_group(text(other) or "", regex_text, text(group) or "")
        if value is None:
            return None
        if regex_text and group is not None:
            return replace.replace_group(value, regex_text, text(group) or "", text(new) or "")
        if regex_text:
            return replace.replace_all(value, regex_text, text(new) or "")
    except TimeoutError:
        scope.problem("Replace: the pattern takes too long; make it simpler")
        return None
    except replace.PatternError as error:
        scope.problem(f"Replace: {error}")
        return None
    search = text(old)
    if not search:
        return value
    if template is not None:
        return (text(template) or "").replace(search, value)
    return value.replace(search, text(new) or "")


# --- dates -------------------------------------------------------------------------


def _date_formats(nodes: tuple[Node, ...]) -> str | None:
    for index in range(len(nodes) - 2, len(nodes)):
        form = constant(nodes, index)
        if form is not None:
            try:
                dotnet.check_format(form)
            except dotnet.FormatError as error:
                return str(error)
    return None


@function("FormatDateTime", 3, 4, blank=(1,), check=_date_formats)
def _format_date_time(scope: Scope, source: Value, *rest: Value) -> Value:
    """Read by one .NET format, written by another; an offset is kept, not applied."""
    value = text(source)
    if not value:
        return None
    try:
        moment = dotnet.read_date(value, text(rest[-2]) or "")
        if moment is not None:
            return dotnet.write_date(moment, text(rest[-1]) or "")
    except dotnet.FormatError as error:
        scope.problem(f"FormatDateTime: {error}")
        return None
    scope.problem("FormatDateTime: the value does not fit the format")
    return None


@function("NumFromDate", 1, 1)
def _num_from_date(scope: Scope, source: Value) -> Value:
    """An ISO 8601 instant as FILETIME, in decimal text."""
    value = text(source)
    if not value:
        return None
    moment = dates.instant(value.strip())
    if moment is None:
        scope.problem("NumFromDate: not an ISO 8601 date")
        return None
    return str(dates.filetime(moment))
