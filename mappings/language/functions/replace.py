"""Replacing"""

from __future__ import annotations

from mappings.language import patterns
from mappings.language.compiling import Builder
from mappings.language.registry import function
from mappings.language.running import Fail
from mappings.language.syntax import Call, Omitted


def _check(build: Builder, call: Call) -> str | None:
    pattern = build.constant(call, 2)
    if pattern:
        try:
            patterns.compiled(pattern)
            group = build.constant(call, 3)
            if group and not patterns.has_group(pattern, group):
                return f"the pattern has no group {group}"
        except patterns.PatternError as error:
            return str(error)
    given = {i for i, node in enumerate(call.arguments) if not isinstance(node, Omitted)}
    if not given & {4, 5, 6} or not given & {1, 2}:
        return "nothing to replace, or nothing to replace it by"
    return None


@function(
    "Replace(source: text, old?: text, pattern?: text, group?: text, new?: text, other?: text, "
    "template?: text)",
    check=_check,
)
def replace(
    source: str | None,
    old: str | None = None,
    pattern: str | None = None,
    group: str | None = None,
    new: str | None = None,
    other: str | None = None,
    template: str | None = None,
) -> str | None:
    r"""Replaces in one of five ways, by which arguments are there; case counts.

    `old` and `new`: every `old` by `new`. `old` and `template`: every `old` inside
    `template` by the source. `pattern` (.NET) and `new`: every match by `new`, in which
    `${name}` and `$1` stand for groups. With `group`: only what the group caught, in every
    match. `pattern`, `group` and `other`: the source if there is one, else what the group
    catches in `other`. A pattern that takes too long is stopped.

    Replace([title], "k", , , "c") → Clerc
    Replace("zoe", "{}", , , , , "{}@norhaven.example") → zoe@norhaven.example
    Replace("+33 (4) 5550-0100", , "[()\s-]+", , "") → +33455500100
    Replace("Berg, Zoe", , "(?<last>\w+), (?<first>\w+)", , "${first} ${last}") → Zoe Berg
    Replace("E20001", , "^(?<letter>E)", "letter", "X") → X20001
    Replace([nickName], , "(?<name>[a-z]+)@", "name", , [userName]) → zoneil
    """
    try:
        if pattern and group is not None and other is not None:
            return source or patterns.extract_group(other, pattern, group)
        if source is None:
            return None
        if pattern and group is not None:
            return patterns.replace_group(source, pattern, group, new or "")
        if pattern:
            return patterns.replace_all(source, pattern, new or "")
    except patterns.TooSlow as slow:
        raise Fail("Replace: the pattern takes too long; make it simpler") from slow
    except patterns.TooLong as error:
        raise Fail("Replace: the result is beyond all measure") from error
    except patterns.PatternError as error:
        raise Fail(f"Replace: {error}") from error
    if not old:
        return source
    text, by = (source, new or "") if template is None else (template, source)
    if len(text) + text.count(old) * len(by) > patterns.LONGEST_RESULT:
        raise Fail("Replace: the result is beyond all measure")
    return text.replace(old, by)
