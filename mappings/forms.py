"""The form of mapping documents, as marshmallow schemas. Unknown keys are errors."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, pre_load, validate

from mappings.vocabulary import HOLDS, KINDS


class RuleForm(Schema):
    """A rule: an expression alone, or a mapping with `value` and more."""

    value = fields.String()

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


class InboundForm(Schema):
    """`workday.yaml` and its like."""

    extends = fields.String()
    schemas = fields.Dict(keys=fields.String(), values=fields.String())
    facts = fields.Dict(keys=fields.String())


class OutboundForm(Schema):
    """`active_directory.yaml` and its like."""

    extends = fields.String()
    own_facts = fields.List(fields.String())
    match = fields.String()
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
