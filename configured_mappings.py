"""The mappings of the sources and targets that muster.yaml names: loaded, reviewed, watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from mappings.documents import (
    Inbound,
    MappingError,
    Outbound,
    account_name_rules,
    load_inbound,
    load_outbound,
)
from mappings.watching import Watched
from settings import Settings, SettingsError

_log = structlog.get_logger("muster.mappings")


def load_inbounds(settings: Settings) -> dict[str, Inbound]:
    """The inbound mapping of every source that has one. Raises MappingError, and
    SettingsError where `people.authority` does not go with them."""
    from provisioning.merging import authority_problem

    inbounds = {
        name: load_inbound(source.mapping, settings.mapping_folders)
        for name, source in settings.sources.items()
        if source.mapping
    }
    facts = {rule.rule.name for inbound in inbounds.values() for rule in inbound.rules}
    if found := authority_problem(settings.people, facts):
        fact, problem, remedy = found
        where = str(settings.path or "")
        raise SettingsError(where, f"people.authority.{fact} {problem}", remedy)
    return inbounds


def load_outbounds(settings: Settings) -> dict[str, Outbound]:
    """The outbound mapping of every target. Raises MappingError."""
    file = str(settings.path or "muster.yaml")
    account_name_rules(settings.account_name, file)  # the viewer uses them; said here if wrong
    return {
        name: load_outbound(target.mapping, settings.mapping_folders, target.kind)
        for name, target in settings.targets.items()
    }


@dataclass(frozen=True)
class Mappings:
    """Those of every source and of every target."""

    inbounds: Mapping[str, Inbound]
    outbounds: Mapping[str, Outbound]


def watch_mappings(
    settings: Settings, keep: Callable[[str | None], object] = lambda problem: None
) -> Watched[Mappings]:
    """The mappings in force while their files may change. A file that cannot be used leaves
    all as they are, which is logged and told to `keep`. Raises MappingError and SettingsError
    at the start."""

    def load() -> Mappings:
        return Mappings(load_inbounds(settings), load_outbounds(settings))

    def report(problem: str | None) -> None:
        if problem is None:
            _log.info("changed mappings are in force")
        else:
            _log.warning("a changed mapping cannot be used; the last good ones stay", why=problem)
        keep(problem)

    return Watched(
        load,
        settings.mapping_folders,
        time.monotonic,
        report,
        refused=(MappingError, SettingsError),
    )


def mapping_findings(
    settings: Settings, inbounds: Mapping[str, Inbound], outbounds: Mapping[str, Outbound]
) -> list[str]:
    """What is allowed in the mappings but probably not meant, each with its place."""
    from mappings.review import review_inbound, review_outbound, unfed_facts
    from mappings.targets import KINDS
    from scim import schema

    user = schema.load().type_named("User")
    assert user is not None
    parts = {user.schema.id: user.core, **{s.id: s.attributes for s in user.extensions.values()}}
    schemas = {
        urn: {a.name: [sub.name for sub in a.subs.values()] for a in attributes.values()}
        for urn, attributes in parts.items()
    }
    found = [f for inbound in inbounds.values() for f in review_inbound(inbound, schemas)]
    for name, outbound in outbounds.items():
        found += review_outbound(outbound, KINDS.get(settings.targets[name].kind))
    found += unfed_facts(inbounds, outbounds.values())
    return list(dict.fromkeys(map(str, found)))  # a rule that two documents share is said once
