"""What flows and what does not"""

from __future__ import annotations

from mappings.language.registry import function
from mappings.language.running import Fail, Skip
from mappings.language.values import Value, empty


@function("IgnoreFlowIfNullOrEmpty(expression: any)", gives="any", needs_run=True)
def ignore_if_empty(run: object, expression: Value) -> Value:
    """The value; when it is nothing or an empty text, the attribute is left as it is.

    The bare words `IgnoreAttributeFlow` and, in a scope, `IgnoreObjectFlow` do the same
    without a question.

    IgnoreFlowIfNullOrEmpty([title]) → Clerk
    """
    if empty(expression):
        raise Skip
    return expression


@function("Error(text: str)", gives="any", needs_run=True)
def error(run: object, text: str) -> Value:
    """A failure in your own words: the rule gives nothing, and the text is shown as its problem.

    IIF(IsPresent([title]), [title], Error("a title is required")) → Clerk
    """
    raise Fail(text or "Error")


@function("Redact(value: any)", gives="any", needs_run=True)
def redact(run: object, value: Value) -> Value:
    """The value; a trace of the rule shows `[Redact]` in its place.

    Redact([title]) → Clerk
    """
    return value
