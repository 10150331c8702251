"""Reads `muster.yaml` and the environment into checked, immutable settings.

`muster.example.yaml` documents every key. Whatever is wrong is reported with file,
line and remedy as :class:`SettingsError`; secrets are references (`env:NAME`,
`file:PATH`) and are read only when used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from access_settings import (
    Access,
    AccessSchema,
    Proxies,
    ServerSchema,
    SignIn,
    SignInSchema,
    access_from,
    is_loopback,
    proxies_from,
)
from policy_settings import (
    Breakers,
    BreakersSchema,
    LeaversSchema,
    People,
    PeopleSchema,
    Retention,
    RetentionSchema,
    check_zone,
)
from scim_settings import PROFILES, Scim, ScimSchema, profile_of, scim_from
from target_settings import KINDS
from yaml_lines import YamlDocument, YamlError, read_yaml

SHARED_KEYS = ("employeeNumber", "workerId", "universalId")


class SettingsError(Exception):
    """Something in the configuration that only the operator can put right."""

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        super().__init__(f"{where}: {problem}. {remedy}" if where else f"{problem}. {remedy}")
        self.where, self.problem, self.remedy = where, problem, remedy


@dataclass(frozen=True)
class Secret:
    """A reference to a secret; its value never enters settings, logs or a repr."""

    reference: str

    def get(self) -> str:
        """The secret itself. Raises SettingsError when it is not there."""
        kind, _, rest = self.reference.partition(":")
        if kind == "env":
            value = os.environ.get(rest)
            if not value:
                raise SettingsError("", f"environment variable {rest} is not set", "Set it.")
            return value
        try:
            return Path(rest).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(
                "", f"secret file {rest} cannot be read ({error.strerror})", "Check path and mode."
            ) from None


@dataclass(frozen=True)
class Source:
    """An HR system: its inbound mapping (none: store-only) and how its client behaves."""

    name: str
    mapping: str | None
    profile: str
    shared_keys: tuple[str, ...]
    timezone: str | None = None
    nulls: str = "keep"
    """What null and "" mean in a bulkUpload: keep or clear."""


@dataclass(frozen=True)
class TargetSettings:
    """An AD domain or an Entra tenant. `options` is what the adapter's kind asks for."""

    name: str
    kind: str
    mapping: str
    domain: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Sandbox:
    """What may be done because nothing here is real."""

    allow: bool = False
    """The clock may be set, and /sandbox answers."""
    folder: Path | None = None
    """Where the embedded directories keep their state; None: there are none."""


@dataclass(frozen=True)
class Settings:
    """Everything the house needs to know, checked."""

    path: Path | None
    data: Path
    database_url: str
    host: str
    port: int
    sources: Mapping[str, Source]
    targets: Mapping[str, TargetSettings]
    people: People = field(default_factory=People)
    breakers: Breakers = field(default_factory=Breakers)
    retention: Retention = field(default_factory=Retention)
    account_name: tuple[str, ...] = ()
    hold_days: float = 365.0
    """Days for which nobody gets the names of an account that was deleted."""
    mapping_folders: tuple[Path, ...] = ()
    sandbox: Sandbox = field(default_factory=Sandbox)
    scim: Scim = field(default_factory=Scim)
    proxies: Proxies = field(default_factory=Proxies)
    access: Access = field(default_factory=Access)
    sign_in: SignIn = field(default_factory=SignIn)

    @property
    def base_url(self) -> str:
        """The address by which the world knows this server, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.proxies.base_url or f"http://{host}:{self.port}"

    @property
    def other_urls(self) -> tuple[str, ...]:
        """What else this machine may call itself, where nobody else asks and `base_url` is not
        set: like `base_url`, to be had by the Host header, which is believed in nothing else."""
        names = ("127.0.0.1", "localhost")
        if self.proxies.base_url or self.host not in names:
            return ()
        return tuple(f"http://{name}:{self.port}" for name in names if name != self.host)

    @property
    def is_reachable(self) -> bool:
        """Whether anything but this machine can reach the server."""
        return not is_loopback(self.host) or self.proxies.any


class _NamesSchema(Schema):
    account_name = fields.List(fields.String(), load_default=list)
    hold_days = fields.Float(load_default=365.0, validate=validate.Range(min=0, max=36500))


class _SourceSchema(Schema):
    mapping = fields.String(load_default=None, allow_none=True)
    profile = fields.String(load_default=None, validate=validate.OneOf(PROFILES))
    shared_keys = fields.List(
        fields.String(validate=validate.OneOf(SHARED_KEYS)), load_default=list
    )
    timezone = fields.String(load_default=None, validate=check_zone)
    nulls = fields.String(load_default="keep", validate=validate.OneOf(("keep", "clear")))


_COMMON = ("kind", "mapping", "domain")


class _SandboxSchema(Schema):
    allow = fields.Boolean(load_default=False)
    folder = fields.String(load_default=None, allow_none=True)


class _FileSchema(Schema):
    data = fields.String(load_default=None)
    database = fields.String(load_default=None)
    domain = fields.String(required=True)
    mappings = fields.String(load_default="mappings")
    server = fields.Nested(ServerSchema, load_default=lambda: ServerSchema().load({}))
    people = fields.Nested(PeopleSchema, load_default=dict)
    leavers = fields.Nested(LeaversSchema, load_default=dict)
    names = fields.Nested(_NamesSchema, load_default=lambda: _NamesSchema().load({}))
    breakers = fields.Nested(BreakersSchema, load_default=dict)
    journal = fields.Nested(RetentionSchema, load_default=dict)
    sandbox = fields.Nested(_SandboxSchema, load_default=lambda: _SandboxSchema().load({}))
    scim = fields.Nested(ScimSchema, load_default=lambda: ScimSchema().load({}))
    access = fields.Nested(AccessSchema, load_default=lambda: AccessSchema().load({}))
    console = fields.Nested(SignInSchema, load_default=dict)
    sources = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"^[a-z][a-z0-9_-]{0,30}$")),
        values=fields.Nested(_SourceSchema),
        required=True,
    )
    targets = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"^[a-z][a-z0-9_-]{0,30}$")),
        values=fields.Dict(),
        required=True,
    )


class _SourcePolicySchema(Schema):
    shared_keys = _SourceSchema().fields["shared_keys"]
    timezone = _SourceSchema().fields["timezone"]


class _PolicySchema(Schema):
    """The part of muster.yaml that is policy: what a running sandbox may override."""

    people = fields.Nested(PeopleSchema)
    leavers = fields.Nested(LeaversSchema)
    names = fields.Nested(_NamesSchema)
    breakers = fields.Nested(BreakersSchema)
    sources = fields.Dict(keys=fields.String(), values=fields.Nested(_SourcePolicySchema))


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Settings from `path`, overridden by MUSTER_DATA, MUSTER_PORT and MUSTER_SCHEMAS.

    Raises SettingsError naming file, line and remedy.
    """
    try:
        document = read_yaml(path)
    except YamlError as error:
        raise SettingsError(f"{error.file}:{error.line}", error.problem, error.remedy) from None
    if not isinstance(document.data, dict):
        raise SettingsError(
            f"{path}:1", "this is not a mapping of settings", "See muster.example.yaml."
        )
    raw = _check(_FileSchema(), document.data, document, ())
    targets = {
        name: _target(name, values, raw["domain"], document, path)
        for name, values in raw["targets"].items()
    }
    sources = {
        name: Source(
            name,
            value["mapping"],
            profile_of(value["profile"], value["mapping"]),
            tuple(value["shared_keys"]),
            value["timezone"],
            value["nulls"],
        )
        for name, value in raw["sources"].items()
    }
    here = path.resolve().parent
    data = Path(environ.get("MUSTER_DATA") or here / (raw["data"] or "data")).resolve()
    return Settings(
        path=path.resolve(),
        data=data,
        database_url=_database(raw["database"], data, document),
        host=raw["server"]["host"],
        port=port_from(environ, raw["server"]["port"]),
        sources=sources,
        targets=targets,
        people=_people(raw, document),
        breakers=Breakers().overridden(raw["breakers"]),
        retention=Retention(**raw["journal"]),
        account_name=tuple(raw["names"]["account_name"]),
        hold_days=raw["names"]["hold_days"],
        mapping_folders=(here / raw["mappings"],),
        sandbox=Sandbox(
            allow=raw["sandbox"]["allow"],
            folder=here / raw["sandbox"]["folder"] if raw["sandbox"]["folder"] else None,
        ),
        scim=scim_from(raw["scim"], here, environ),
        proxies=proxies_from(raw["server"]),
        access=_access(raw["access"], path),
        sign_in=SignIn(**raw["console"]),
    )


def override(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """`settings` with the policy in `changes`, which has muster.yaml's keys and form.

    What `changes` does not name stays. Raises SettingsError naming the key that is
    unknown, no policy, or has a wrong value.
    """
    schema = _PolicySchema(partial=True)
    try:
        given: dict[str, Any] = schema.load(dict(changes))
    except ValidationError as error:
        key, problem, remedy = _complaint(error, schema, ())
        raise SettingsError("", f"{'.'.join(key)} {problem}".strip(), remedy) from None
    sources = dict(settings.sources)
    for name, policy in given.get("sources", {}).items():
        if name not in sources:
            raise SettingsError(
                "", f"sources.{name} is not a source", f"Known: {', '.join(sources)}."
            )
        shared = tuple(policy.get("shared_keys", sources[name].shared_keys))
        zone = policy.get("timezone", sources[name].timezone)
        sources[name] = replace(sources[name], shared_keys=shared, timezone=zone)
    names = given.get("names", {})
    people = settings.people.overridden(given.get("people", {}), given.get("leavers", {}))
    people = replace(people, sources={name: one.timezone for name, one in sources.items()})
    for fact, stranger in people.strangers():
        raise SettingsError("", *_not_a_source(fact, stranger, settings.sources))
    return replace(
        settings,
        people=people,
        breakers=settings.breakers.overridden(given.get("breakers", {})),
        account_name=tuple(names.get("account_name", settings.account_name)),
        hold_days=names.get("hold_days", settings.hold_days),
        sources=sources,
    )


def _people(raw: Mapping[str, Any], document: YamlDocument) -> People:
    sources = {name: value["timezone"] for name, value in raw["sources"].items()}
    people = People(sources=sources).overridden(raw["people"], raw["leavers"])
    for fact, stranger in people.strangers():
        line = document.line("people", "authority", fact)
        raise SettingsError(f"{document.path}:{line}", *_not_a_source(fact, stranger, sources))
    return people


def _not_a_source(fact: str, name: str, known: Mapping[str, object]) -> tuple[str, str]:
    """Problem and remedy."""
    said = f"people.authority.{fact} names {name}, which is not a source"
    return said, f"Known: {', '.join(known)}."


def port_from(environ: Mapping[str, str], default: int) -> int:
    """MUSTER_PORT or `default`. Raises SettingsError when it is not a port."""
    text = environ.get("MUSTER_PORT", "").strip()
    if not text:
        return default
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise SettingsError("MUSTER_PORT", "is not a port", "Give a number from 1 to 65535.")
    return int(text)


def _database(reference: str | None, data: Path, document: YamlDocument) -> str:
    if reference is None:
        return f"sqlite:///{data / 'muster.db'}"
    if reference.startswith(("env:", "file:")):
        reference = Secret(reference).get()
    if not reference.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingsError(
            f"{document.path}:{document.line('database')}",
            "database is neither sqlite:/// nor postgresql+psycopg://",
            "Leave it out for SQLite in the data folder.",
        )
    return reference


def _target(
    name: str, values: dict[str, Any], domain: str, document: YamlDocument, path: Path
) -> TargetSettings:
    where = ("targets", name)
    kind = values.get("kind")
    if kind not in KINDS:
        raise SettingsError(
            f"{path}:{document.line(*where)}",
            f"target {name} has no known kind",
            f"kind is one of {', '.join(KINDS)}.",
        )
    options = _check(
        KINDS[kind](),
        {key: value for key, value in values.items() if key not in _COMMON},
        document,
        where,
    )
    for key in ("password", "client_secret"):
        if options.get(key):
            options[key] = Secret(_from_here(options[key], path))
    if isinstance(options.get("url"), list):
        options["url"] = tuple(options["url"])
    for key in ("ca_file", "certificate"):
        if options.get(key):
            options[key] = str(path.resolve().parent / options[key])
    return TargetSettings(
        name=name,
        kind=kind,
        mapping=str(values.get("mapping") or kind),
        domain=str(values.get("domain") or domain),
        options=options,
    )


def _access(raw: Mapping[str, Any], path: Path) -> Access:
    key = raw.get("signing_key")
    reference = _from_here(key, path) if key else None
    return access_from({**raw, "signing_key": reference}, path.resolve().parent)


def _from_here(reference: str, path: Path) -> str:
    """A relative `file:` is relative to the file that names it."""
    kind, _, rest = reference.partition(":")
    return f"file:{path.resolve().parent / rest}" if kind == "file" else reference


def _check(
    schema: Schema, data: dict[str, Any], document: YamlDocument, prefix: tuple[str, ...]
) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(data)
        return loaded
    except ValidationError as error:
        where, problem, remedy = _complaint(error, schema, prefix)
        raise SettingsError(
            f"{document.path}:{document.line(*where)}",
            f"{'.'.join(where)} {problem}".strip(),
            remedy,
        ) from None


def _complaint(
    error: ValidationError, schema: Schema, prefix: tuple[str, ...]
) -> tuple[tuple[str, ...], str, str]:
    """Where the first mistake is, what it is, and what to do."""
    where, message = _first(error.messages, prefix)
    problem, _, remedy = message.partition("|")
    if message == "Unknown field.":
        known = ", ".join(sorted(schema.fields)) if len(where) == len(prefix) + 1 else ""
        problem = "is not a setting"
        remedy = f"Known here: {known}." if known else ""
    elif message == "Missing data for required field.":
        problem, remedy = "is missing", "See muster.example.yaml for what it holds."
    return where, problem.rstrip("."), remedy or "See muster.example.yaml."


def _first(messages: Any, where: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The first message of marshmallow's nested answer, with the path to it."""
    if isinstance(messages, list):
        return where, str(messages[0])
    key, rest = next(iter(messages.items()))
    # marshmallow puts "key"/"value" between a Dict field's key and its messages.
    skip = key in ("key", "value", "_schema")
    return _first(rest, where if skip else (*where, str(key)))
