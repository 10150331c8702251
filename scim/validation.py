"""marshmallow schemas made from SCIM schemas: the types of incoming values are judged here.

The classes are generated once per resource type and their instances kept. Names are
canonical and unknown attributes settled before (`shape.py`), so these see clean documents.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields

from scim.errors import ScimError, invalid_value
from scim.schema import Attribute, ResourceType
from store.clocks import parse_instant

_NO_URI = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f]|%(?![0-9A-Fa-f]{2})")


class _Kept(fields.Field[Any]):
    """Judges a value and gives it back as it came."""

    expected = ""

    def fits(self, value: Any) -> bool:
        """Whether the value is of the attribute's type."""
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not self.fits(value):
            raise ValidationError(f"{self.expected} is expected.")
        return value


class _Text(_Kept):
    expected = "text"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str)


class _Filled(_Text):
    """Of a required attribute: blank text is no value."""

    expected = "text that is not blank"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and bool(value.strip())


class _Reference(_Kept):
    """RFC 7643 section 2.3.7; letters beyond ASCII pass, as in an IRI."""

    expected = "a URI"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and _NO_URI.search(value) is None


class _Boolean(_Kept):
    expected = "true or false"

    def fits(self, value: Any) -> bool:
        return isinstance(value, bool)


class _Integer(_Kept):
    expected = "a whole number"

    def fits(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)


class _Decimal(_Kept):
    expected = "a number"

    def fits(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)


class _Instant(_Kept):
    expected = "an instant such as 2026-03-16T09:00:00Z"
    form = re.compile("")

    def fits(self, value: Any) -> bool:
        if not isinstance(value, str) or not self.form.match(value):
            return False
        try:
            parse_instant(value)
        except (ValueError, OverflowError):
            return False
        return True


class _DateTime(_Instant):
    """xsd:dateTime, as RFC 7643 section 2.3.5 has it: with a date and a time."""

    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?\Z")


class _Binary(_Kept):
    expected = "base64"

    def fits(self, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        try:
            # The padding may be missing (RFC 7643 section 2.3.6).
            base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
        except (binascii.Error, ValueError):
            return False
        return True


_LOOSE: Mapping[str, type[_Kept]] = {
    "string": _Text,
    "reference": _Text,
    "boolean": _Boolean,
    "integer": _Integer,
    "decimal": _Decimal,
    "dateTime": _Instant,
    "binary": _Binary,
}
_STRICT = {**_LOOSE, "reference": _Reference, "dateTime": _DateTime}


class _Whole(Schema):
    """The base of all generated classes: what no schema declares passes unseen."""

    class Meta:
        unknown = INCLUDE


_Fields = Mapping[str, type[_Kept]]


def _generate(name: str, attributes: Mapping[str, Attribute], types: _Fields) -> type[Schema]:
    made = {a.name: _field(a, types) for a in attributes.values() if a.mutability != "readOnly"}
    return _Whole.from_dict(made, name=name)


def _field(attribute: Attribute, types: _Fields) -> fields.Field[Any]:
    required = attribute.required
    one: fields.Field[Any]
    if attribute.type == "complex":
        inner = _generate(attribute.name, attribute.subs, types)
        one = fields.Nested(inner, required=required)
    elif required and attribute.type == "string":
        one = _Filled(required=True)
    else:
        one = types[attribute.type](required=required)
    return fields.List(one, required=required) if attribute.multi_valued else one


class Validator:
    """Judges whole documents of one resource type. Make one per type and keep it.

    `loosely` lets dates without a time, and references that are no URI, pass.
    """

    def __init__(self, kind: ResourceType, *, loosely: bool = False) -> None:
        types = _LOOSE if loosely else _STRICT
        made: dict[str, Any] = {
            attribute.name: _field(attribute, types)
            for attribute in kind.core.values()
            if attribute.mutability != "readOnly" and attribute.name != "schemas"
        }
        for schema in kind.extensions.values():
            inner = _generate(schema.name, schema.attributes, types)
            made[schema.id] = fields.Nested(inner, required=schema.id in kind.required)
        self._schema = _Whole.from_dict(made, name=kind.name)()
        self._plain = {name: _plain(field) for name, field in made.items()}
        self._required = frozenset(name for name, field in made.items() if field.required)

    def check(self, content: Mapping[str, Any], *, required: bool) -> None:
        """Raise ScimError 400 invalidValue naming the first attribute that does not fit.

        Without `required` attributes that the schema requires may be missing.
        """
        # marshmallow takes ten times as long to find nothing wrong; it is asked to say what.
        if _is_plain(content, self._plain, self._required if required else frozenset()):
            return
        try:
            self._schema.load(content, partial=not required)
        except ValidationError as error:
            raise _refusal(error.messages) from None


Plain = Callable[[Any], bool]


def _plain(field: fields.Field[Any]) -> Plain:
    """A quick look by the same rules as `field`'s: True means that it would find no fault."""
    if isinstance(field, fields.List):
        one = _plain(field.inner)
        return lambda value: isinstance(value, list) and all(map(one, value))
    if isinstance(field, fields.Nested):
        inner = {name: _plain(sub) for name, sub in field.schema.fields.items()}
        required = frozenset(name for name, sub in field.schema.fields.items() if sub.required)
        return lambda value: isinstance(value, dict) and _is_plain(value, inner, required)
    assert isinstance(field, _Kept)
    return field.fits


def _is_plain(
    content: Mapping[str, Any], known: Mapping[str, Plain], required: frozenset[str]
) -> bool:
    for name, value in content.items():
        fits = known.get(name)
        if fits is not None and not fits(value):
            return False
    return not required or required <= content.keys()


def _refusal(messages: Any) -> ScimError:
    keys: list[str | int] = []
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        keys.append(key)
    path = str(keys[0])
    for position, key in enumerate(keys[1:]):
        if isinstance(key, int):
            path += f"[{key}]"
        else:
            path += (":" if position == 0 and path.startswith("urn:") else ".") + key
    text = messages[0] if isinstance(messages, list) and messages else "does not fit."
    if text == fields.Field.default_error_messages["required"]:
        text = "a value is required."
    return invalid_value(f"{path}: {text}")
