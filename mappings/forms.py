"""The form of mapping documents, as marshmallow schemas. Unknown keys are errors."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate

from mappings.vocabulary import HOLDS, KINDS, OUTSIDE


class Absent(fields.Field[Any]):
    """`keep`, `clear`, or `{default: expression, hold: ...}`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> Any:
        if value in ("keep", "clear"):
            return value
        if not isinstance(value, dict) or not set(value) <= {"default", "hold"}:
            raise ValidationError("Write keep, clear, or {default: '\"text\"'}.")
        if not isinstance(value.get("default"), str):
            raise ValidationError("The default is an expression in quotation marks.")
        if value.get("hold", "own") not in HOLDS:
            raise ValidationError(f"The hold is one of {', '.join(HOLDS)}.")
        return value


class RuleForm(Schema):
    """A rule: an expression alone, or a mapping with `value` and more."""

    value = fields.String()
    absent = Absent()

    @pre_load
    def short_form(self, data: Any, **_: Any) -> Any:
        """`title: '[title]'` is `title: {value: '[title]'}`."""
        return rule_keys(data)


def rule_keys(written: Any) -> Any:
    """The long form of a rule; what is not a rule comes back as it is."""
    if isinstance(written, bool):
        return written
    if isinstance(written, (str, int, float)):
        return {"value": str(written)}
    if isinstance(written, dict) and isinstance(written.get("value"), (int, float)):
        return {**written, "value": str(written["value"])}
    return written


class FactForm(RuleForm):
    """How a fact is found."""

    type = fields.String(validate=validate.OneOf(KINDS))
    none = fields.List(fields.String())
    entra = fields.String()


class AttributeForm(RuleForm):
    """How an attribute of an account is made."""

    type = fields.String(validate=validate.OneOf(["text", "integer", "bool", "list"]))
    hold = fields.String(validate=validate.OneOf(HOLDS))
    max = fields.Integer(strict=True, validate=validate.Range(min=1))
    long = fields.String(validate=validate.OneOf(["cut", "refuse"]))
    required = fields.Boolean(truthy={True}, falsy={False})


class ReferenceForm(RuleForm):
    """A forward link to another person's account."""

    hold = fields.String(validate=validate.OneOf(HOLDS))
    required = fields.Boolean(truthy={True}, falsy={False})


class GrantForm(RuleForm):
    """A group or licence, and who is given it."""

    when = fields.String()


_WORDS = fields.Dict(keys=fields.String(), values=fields.String())


class ClauseForm(Schema):
    """A scoping clause: a fact, an operator, and what it is held against."""

    fact = fields.String(required=True)
    operator = fields.String(required=True)
    value = fields.Raw()


class GroupForm(Schema):
    """Clauses and expressions that all have to hold."""

    name = fields.String()
    clauses = fields.List(fields.Nested(ClauseForm))
    when = fields.List(fields.String())


class OutsideForm(Schema):
    """`delete`, some days after falling out of scope."""

    delete_after_days = fields.Integer(strict=True, required=True, validate=validate.Range(min=0))


class Outside(fields.Field[Any]):
    """What becomes of an account outside the scope: a word, or `{delete_after_days: 30}`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> Any:
        if isinstance(value, dict):
            return OutsideForm().load(value)
        if value not in OUTSIDE:
            raise ValidationError(f"Write {', '.join(OUTSIDE)} or {{delete_after_days: 30}}.")
        return value


class ScopeForm(Schema):
    """Who is in scope, and what becomes of who is not."""

    groups = fields.List(fields.Nested(GroupForm))
    object_filter = fields.String()
    outside = Outside(required=True)


class MatchKeys(fields.Field[Any]):
    """`employeeID`, or a list of keys of which each is an attribute or a list of several."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> Any:
        keys = value if isinstance(value, list) else [value]
        for key in keys:
            parts = key if isinstance(key, list) else [key]
            if not parts or not all(isinstance(part, str) for part in parts):
                raise ValidationError("Write an attribute, or a list of them.")
        if not keys:
            raise ValidationError("Write an attribute, or a list of them.")
        return keys


class InboundForm(Schema):
    """`workday.yaml` and its like."""

    extends = fields.String()
    schemas = _WORDS
    tables = _WORDS
    facts = fields.Dict(keys=fields.String())


class OutboundForm(Schema):
    """`active_directory.yaml` and its like."""

    extends = fields.String()
    own_facts = fields.List(fields.String())
    tables = _WORDS
    entra = fields.String()
    match = MatchKeys()
    scope = fields.Nested(ScopeForm)
    enabled = fields.String(allow_none=True)
    attributes = fields.Dict(keys=fields.String())
    references = fields.Dict(keys=fields.String())
    groups = fields.Dict(keys=fields.String())
    licenses = fields.Dict(keys=fields.String())
    names = fields.Dict(
        keys=fields.String(validate=validate.OneOf(["accountName", "cn"])),
        values=fields.List(fields.String(), validate=validate.Length(min=1)),
    )
    container = fields.String(allow_none=True)


INBOUND: dict[str, Schema] = {"": InboundForm(), "facts": FactForm()}
OUTBOUND: dict[str, Schema] = {
    "": OutboundForm(),
    "attributes": AttributeForm(),
    "references": ReferenceForm(),
    "groups": GrantForm(),
    "licenses": GrantForm(),
}
"""By section; "" is the document itself."""
