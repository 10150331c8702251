"""The short way for ordinary values leads where the long way does, in every profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from scim import ordinary, schema
from scim.errors import ScimError
from scim.profiles import PROFILES
from scim.schema import Attribute, ResourceType
from scim.shape import Shaper

KINDS = list(schema.load().types.values())
SCALARS = (
    *("Anna", "  padded ", "", " ", "work", "WORK", " Home ", "true", "False", "0", "7", "7.5"),
    *("2026-03-16", "2026-03-16Z", "2026-03-16T09:00:00Z", " 2026-03-16+02:00", "E123-678901"),
    *(None, True, False, 0, 1, 2, -7, 2.0, 2.5),
)


def value_of(attribute: Attribute, chance: Random) -> Any:
    def one() -> Any:
        if attribute.type == "complex" and chance.random() < 0.9:
            return members(attribute.subs, chance)
        canonical = [text.upper() for text in attribute.canonical_values]
        return chance.choice((*SCALARS, *canonical))

    if chance.random() < 0.05:
        return chance.choice(({}, [], {"value": "x"}, [None], ["x", "y"], [{"value": "x"}] * 2))
    if attribute.multi_valued and chance.random() < 0.9:
        return [one() for _ in range(chance.randrange(4))]
    return one()


def members(attributes: Mapping[str, Attribute], chance: Random) -> dict[str, Any]:
    found = [one for one in attributes.values() if one.name != "schemas"]
    said = {}
    for one in chance.sample(found, chance.randint(0, min(len(found), 8))):
        name = chance.choice((one.name,) * 8 + (one.name.upper(), one.name + "x"))
        said[name] = value_of(one, chance)
        if chance.random() < 0.03:
            said[one.name.lower()] = value_of(one, chance)
    return said


def document(kind: ResourceType, chance: Random) -> dict[str, Any]:
    body = {"schemas": [kind.schema.id], **members(kind.core, chance)}
    for extension in kind.extensions.values():
        if chance.random() < 0.3:
            body[extension.id] = members(extension.attributes, chance)
    return body


def read(kind: ResourceType, profile: str, body: dict[str, Any]) -> Any:
    shaper = Shaper(kind, PROFILES[profile])
    try:
        content = json.dumps(shaper.document(body))
    except ScimError as error:
        content = error.detail
    return content, shaper.emptied, shaper.named


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_document_is_read_the_same_with_and_without_it(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(profile)
    asked = [(kind, document(kind, chance)) for kind in KINDS for _ in range(500)]
    short = [read(kind, profile, body) for kind, body in asked]
    monkeypatch.setattr(ordinary, "_readers", lambda holder, loosely: {})
    for (kind, body), found in zip(asked, short, strict=True):
        assert read(kind, profile, body) == found, body
    refused = sum(not content.startswith("{") for content, _, _ in short)
    assert 0 < refused < len(asked) * 0.8
