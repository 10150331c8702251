"""How a client is dealt with: one place per quirk, switched by the profile of its credential.

`strict` is the RFC; `hr` is what HR systems and the XML converters behind them need,
`sap-ips` SAP's Identity Provisioning, `rippling` that HR system, `entra` and `okta` the identity
providers of that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from scim.schema import ResourceType

_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
_SAP = "urn:ietf:params:scim:schemas:extension:sap:2.0:User"
_ODM = "urn:ietf:params:scim:schemas:extension:sap.odm:2.0:User"
_SUCCESSFACTORS = "urn:ietf:params:scim:schemas:extension:successfactors:2.0:User"
_SFSF = "urn:sap:cloud:scim:schemas:extension:sfsf:2.0:User"
_CUSTOM = "urn:sap:cloud:scim:schemas:extension:custom:2.0:User"

PERSON_KEYS = frozenset(
    {
        "externalId",
        "userName",
        f"{_ENTERPRISE}:employeeNumber",
        f"{_WORKER}:workerId",
        f"{_WORKER}:sourceId",
        f"{_WORKER}:universalId",
        f"{_WORKER}:sourceUserId",
        f"{_SAP}:userUuid",
        f"{_SAP}:userId",
        f"{_ODM}:workforcePersonId",
        f"{_SUCCESSFACTORS}:perPersonUuid",
        f"{_SUCCESSFACTORS}:personIdExternal",
        f"{_SFSF}:personGUID",
        f"{_SFSF}:userSysID",
        f"{_CUSTOM}:userId",
    }
)


_KEYS_OF_EXTENSIONS = tuple(
    (urn, name) for urn, _, name in (path.rpartition(":") for path in PERSON_KEYS) if urn
)


def has_key(content: Mapping[str, Any]) -> bool:
    """Whether a resource has an externalId or a key of a person in an extension."""
    if content.get("externalId"):
        return True
    holders = ((content.get(urn), name) for urn, name in _KEYS_OF_EXTENSIONS)
    return any(isinstance(holder, dict) and holder.get(name) for holder, name in holders)


_STATE = frozenset(("externalId", "userName", "active"))
_KEYS_BY_EXTENSION = {
    urn: frozenset(name for other, name in _KEYS_OF_EXTENSIONS if other == urn)
    for urn, _ in _KEYS_OF_EXTENSIONS
}


def says_only_state(kind: ResourceType, sent: Mapping[str, Any]) -> bool:
    """Whether a PUT says nothing but who it is about, and whether they are active.

    `sent` is what is left of it once it was shaped: nothing empty, and nothing that only the
    server says. What is never kept, such as a password, says nothing of the person either.
    """
    for name, value in sent.items():
        attribute = kind.attribute(name)
        if name in _STATE or (attribute is not None and attribute.returned == "never"):
            continue
        keys = _KEYS_BY_EXTENSION.get(name)
        if keys is None or not isinstance(value, dict) or not keys.issuperset(value):
            return False
    return True


@dataclass(frozen=True)
class Profile:
    """What is forgiven, one switch per quirk. Every switch is off for `strict`."""

    name: str
    keep_unknown: bool = False
    """Unknown attributes and extensions are kept as sent; else 400."""
    drop_unknown: bool = False
    """Unknown attributes and extensions are passed over; else 400."""
    read_loosely: bool = False
    """"1" and "true" are booleans, one object is a list of one, text is trimmed, "" is null,
    numbers and text pass for each other, an xsd:date loses its offset."""
    unwrap: bool = False
    """`{"$ref": null, "value": "x"}` where text, a number or a boolean belongs is read as that."""
    ignore_read_only: bool = False
    """PATCH of a read-only attribute does nothing; else 400 mutability."""
    either_key: bool = False
    """Of userName, externalId and the person's keys in extensions one is enough; no other
    attribute is required."""
    sparse_put: bool = False
    """A PUT of nothing but schemas, id, keys and active changes only the state."""
    sticky: frozenset[str] = frozenset()
    """Paths that no message empties: keys, and active."""
    create_unmatched: bool = False
    """PATCH replace on a value filter that selects nothing makes the element; else noTarget."""
    formatted_follows: bool = False
    """A message that changes parts of the name, and does not say name.formatted, changes that as
    well where it was put together from them; else what was said stays."""
    several_of_one: bool = False
    """Several resources may have one externalId, which is the client's to keep unique (RFC 7643
    section 3.1); else 409. Only where nobody is joined by it: see `profile_of`."""
    unique_groups: bool = False
    """A second group of the same displayName is 409."""
    silent_groups: bool = False
    """PATCH of a group is answered 204 unless `attributes` asks for some."""
    any_case_paths: bool = False
    """`/users` is `/Users`."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Misspelled schema URNs, lower case, and what they mean."""

    @property
    def any_attribute(self) -> bool:
        """Whether attributes that no schema declares may be named."""
        return self.keep_unknown or self.drop_unknown


_MISSPELLED = ((_ENTERPRISE.lower().replace(":user", "user"), _ENTERPRISE),)
"""Entra's client has sent it so, and who copied from its samples still does."""

STRICT = Profile("strict")
_STRICT_STORE = replace(STRICT, several_of_one=True)
HR = Profile(
    "hr",
    keep_unknown=True,
    read_loosely=True,
    ignore_read_only=True,
    either_key=True,
    sparse_put=True,
    sticky=PERSON_KEYS | {"active"},
    create_unmatched=True,
    formatted_follows=True,
    any_case_paths=True,
    aliases=_MISSPELLED,
)
ENTRA = Profile(
    "entra",
    drop_unknown=True,
    read_loosely=True,
    unwrap=True,
    ignore_read_only=True,
    create_unmatched=True,
    formatted_follows=True,
    unique_groups=True,
    silent_groups=True,
    any_case_paths=True,
    aliases=_MISSPELLED,
)
OKTA = Profile(
    "okta",
    drop_unknown=True,
    read_loosely=True,
    ignore_read_only=True,
    create_unmatched=True,
    formatted_follows=True,
)
SAP_IPS = replace(HR, name="sap-ips", unique_groups=True)  # IPS finds groups by their names
RIPPLING = replace(HR, name="rippling")

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {p.name: p for p in (STRICT, HR, ENTRA, OKTA, SAP_IPS, RIPPLING)}
)


def profile_of(name: str, *, joined: bool) -> Profile:
    """The profile of that name (strict for one that is not known any more). `joined`: what is
    sent is somebody's whom an externalId says."""
    profile = PROFILES.get(name, STRICT)
    return _STRICT_STORE if profile is STRICT and not joined else profile
