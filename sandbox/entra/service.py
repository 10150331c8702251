"""The sandbox Entra as a whole: start, stop, look inside, put people in, break things."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

from sandbox import certificates
from sandbox.entra import licenses, rules, schema
from sandbox.entra.directory import Answer, Directory
from sandbox.entra.errors import GraphError
from sandbox.entra.graph import Graph, Request
from sandbox.entra.listener import Listener
from sandbox.entra.options import Options
from sandbox.entra.replica import Replica
from sandbox.entra.tenant import Entry, Sku, Tenant
from sandbox.entra.throttle import Throttle
from sandbox.faults import Fault, Faults
from store.clocks import machine_now

_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


class Settings(TypedDict):
    """What a client needs to reach the tenant."""

    authority: str
    """`https://localhost:PORT`, for azure-identity's `authority`."""
    graph: str
    """`https://localhost:PORT/v1.0`, the base URL without trailing slash."""
    tenant_id: str
    client_id: str
    client_secret: str
    ca_file: str
    """PEM file to trust."""


class SandboxEntra:
    """An Entra tenant on `https://localhost:PORT`, kept in `folder`.

    `port` 0 takes a free one. `business` gives business time (epoch seconds) for stamps and
    the recycle bin, `machine` the time for tokens, quotas and lag. Options go back to the
    given ones at a reset. Certificates lie in `tls` or else in `folder/tls`.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        options: Options | None = None,
        business: Callable[[], float] = machine_now,
        machine: Callable[[], float] = machine_now,
        tls: Path | None = None,
    ) -> None:
        self._folder = folder
        self._options = options or Options()
        self._machine = machine
        self._business = business
        self._tls = tls or folder / "tls"
        self._port = port
        self._faults = Faults("entra")
        self._running: _Running | None = None

    def start(self) -> None:
        """Open the tenant and its port. Raises OSError when that cannot be."""
        if self._running is not None:
            return
        pems = certificates.ensure(self._tls, self._machine())
        tenant = Tenant(self._folder / "entra.sqlite")
        _buy(tenant, (sku for sku in self._options.skus if tenant.sku(sku.id) is None))
        replica = Replica(tenant, self._machine)
        directory = Directory(tenant, replica, self._options, self._business, self._machine)
        throttle = Throttle(self._machine)
        throttle.scale(self._options.throttle)
        graph = Graph(directory, self._faults, throttle)

        def answer(request: Request) -> Answer:
            return graph.answer(request, f"https://localhost:{listener.port}")

        listener = Listener(pems, self._port, answer)
        try:
            listener.open()
        except OSError:
            tenant.close()
            raise
        self._port = listener.port
        directory.base = f"https://localhost:{listener.port}/v1.0"
        self._running = _Running(tenant, directory, throttle, graph, listener, str(pems.ca))
        self._obey_refusal()

    def stop(self) -> None:
        """Close the port, cut all connections, close the file."""
        if self._running is not None:
            self._running.graph.release()
            self._running.listener.close()
            self._running.tenant.close()
            self._running = None

    def __enter__(self) -> SandboxEntra:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def options(self) -> Options:
        return self._on.directory.options

    def settings(self) -> Settings:
        """How to reach it. The secret stays the same for as long as the folder does."""
        identity = self._on.tenant.identity
        origin = f"https://localhost:{self._on.listener.port}"
        return Settings(
            authority=origin,
            graph=f"{origin}/v1.0",
            tenant_id=identity.tenant_id,
            client_id=identity.client_id,
            client_secret=identity.client_secret,
            ca_file=self._on.ca_file,
        )

    def configure(self, **changes: Any) -> None:
        """Change :class:`Options` until the next reset. Raises TypeError, ValueError."""
        self._use(replace(self._on.directory.options, **changes))

    def reset(self) -> None:
        """An empty tenant without faults; tenant id, app and secret stay."""
        with self._on.tenant.transaction():
            self._on.tenant.clear()
            self._on.directory.replica.clear()
            _buy(self._on.tenant, self._options.skus)
        self._use(self._options)
        self.set_faults(())

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """These faults and no others; requests that hang are let go."""
        self._faults.replace(faults)
        self._on.graph.release()
        self._obey_refusal()

    @property
    def faults(self) -> Faults:
        """The faults in force; `faults.fired` counts how often one struck."""
        return self._faults

    def put(self, users: Iterable[Mapping[str, Any]]) -> None:
        """Put accounts that exist already: Graph users in the form :meth:`dump` gives them.

        A user with a known id or user name is replaced. Read-only properties are taken too
        (`onPremisesSyncEnabled`); `manager` is an id, a user name or an object with `id`;
        `groups` are names or objects with `displayName` and whatever a group that has to be
        made shall have; `licenses` are names of licences the tenant has; `roles` are
        directory roles, which make the account privileged; without `accountEnabled` it is
        true. `{"skuPartNumber": name, "seats": number}` is no user but a licence, bought or
        changed, with `skuId` if wanted. All or none: raises ValueError with the reason.
        """
        with self._on.tenant.transaction():
            people = [dict(one) for one in users]
            for sku in (one for one in people if "skuPartNumber" in one):
                _buy(self._on.tenant, [self._sku(sku)])
            pairs = [(self._put_user(u), u) for u in people if "skuPartNumber" not in u]
            for entry, user in pairs:
                self._put_links(entry, user.get("manager"), user.get("groups"))

    def dump(self) -> list[dict[str, Any]]:
        """All live users with all their properties, `manager` (id, userPrincipalName,
        displayName) or null, `groups` (id, displayName), `licenses` (names of those given
        directly) and, where there are some, `roles`."""
        tenant = self._on.tenant
        with tenant.transaction():
            names = {sku.id: sku.name for sku in tenant.skus()}
            return [
                dict(entry.document)
                | {
                    "manager": next(
                        (
                            _brief(m, "userPrincipalName")
                            for m in tenant.targets(entry.id, "manager")
                        ),
                        None,
                    ),
                    "groups": [_brief(g) for g in tenant.sources(entry.id, "member")],
                    "licenses": [names.get(id, id) for id in licenses.direct(entry.document)],
                }
                | ({"roles": list(entry.roles)} if entry.roles else {})
                for entry in tenant.each("user")
                if entry.deleted is None
            ]

    @property
    def _on(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the sandbox Entra is not started")
        return self._running

    def _use(self, options: Options) -> None:
        self._on.directory.options = options
        self._on.throttle.scale(options.throttle)

    def _obey_refusal(self) -> None:
        """A target that refuses everything has its port closed."""
        if self._faults.refusing:
            self._on.listener.close()
        else:
            self._on.listener.open()

    def _put_user(self, user: dict[str, Any]) -> Entry:
        directory, tenant = self._on.directory, self._on.tenant
        ours = ("manager", "groups", "licenses", "roles")
        roles = user.get("roles") or []
        own = {k: v for k, v in user.items() if k not in ours}
        if user.get("licenses") and "assignedLicenses" not in own:
            own |= self._licensed(user["licenses"])
        try:
            body = schema.checked("User", own)
            upn = body.get("userPrincipalName")
            if upn is None:
                raise ValueError("userPrincipalName: a value is needed")
            rules.check_upn(upn, directory.options.domains)
            same = [e for e in tenant.find("user", "userPrincipalName", upn) if e.deleted is None]
            id = str(body.get("id") or (same[0].id if same else uuid.uuid4())).lower()
            if not _GUID.fullmatch(id):
                raise ValueError("id: must be a GUID")
            if same and same[0].id != id:
                raise ValueError("userPrincipalName: held by another user")
            document: dict[str, Any] = {
                "accountEnabled": True,
                "createdDateTime": directory.stamp(),
                "displayName": upn.partition("@")[0],
                "mailNickname": upn.partition("@")[0],
                "userType": "Member",
            } | {name: value for name, value in body.items() if value is not None}
            document["id"] = id
            if "passwordProfile" in document:
                document["passwordProfile"] = document["passwordProfile"] | {"password": None}
            if document.get("mail") and not document.get("proxyAddresses"):
                document["proxyAddresses"] = [f"SMTP:{document['mail']}"]
            directory.check_proxies(document, id)
        except GraphError as error:
            raise ValueError(error.message) from None
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise ValueError("roles: must be a list of names")
        return tenant.put(Entry(id, "user", document, None, tuple(roles)))

    def _licensed(self, names: Any) -> dict[str, Any]:
        """The properties of a user with these licences."""
        known = {sku.name: sku.id for sku in self._on.tenant.skus()}
        if not isinstance(names, list) or not all(name in known for name in names):
            raise ValueError("licenses: must be names of licences that the tenant has")
        stamp = self._on.directory.stamp()
        return {
            "assignedLicenses": [{"skuId": known[n], "disabledPlans": []} for n in names],
            "licenseAssignmentStates": [licenses.state(known[n], [], stamp) for n in names],
        }

    def _sku(self, wanted: Mapping[str, Any]) -> Sku:
        name, seats = wanted["skuPartNumber"], wanted.get("seats")
        if not isinstance(name, str) or not name:
            raise ValueError("skuPartNumber: must be a name")
        if not isinstance(seats, int) or isinstance(seats, bool) or seats < 0:
            raise ValueError("seats: must be a number")
        if unknown := set(wanted) - {"skuPartNumber", "skuId", "seats"}:
            raise ValueError(f"{min(unknown)}: a licence has skuPartNumber, skuId and seats")
        there = next((sku.id for sku in self._on.tenant.skus() if sku.name == name), None)
        id = str(wanted.get("skuId") or there or uuid.uuid5(uuid.NAMESPACE_OID, name)).lower()
        if not _GUID.fullmatch(id):
            raise ValueError("skuId: must be a GUID")
        return Sku(id, name, seats)

    def _put_links(self, entry: Entry, manager: Any, groups: Any) -> None:
        tenant = self._on.tenant
        tenant.unlink(entry.id, "manager")
        key = manager.get("id") if isinstance(manager, Mapping) else manager
        if key is not None:
            found = tenant.get(str(key)) or next(
                iter(tenant.find("user", "userPrincipalName", str(key))), None
            )
            if found is None:
                raise ValueError("manager: there is no such user")
            tenant.link(entry.id, "manager", [found.id])
        for group in tenant.sources(entry.id, "member"):
            tenant.unlink(group.id, "member", entry.id)
        for wanted in groups or ():
            properties = wanted if isinstance(wanted, Mapping) else {"displayName": wanted}
            tenant.link(self._group(properties).id, "member", [entry.id])

    def _group(self, wanted: Mapping[str, Any]) -> Entry:
        """The group of this name, made with the other properties given when it is missing."""
        name = wanted.get("displayName")
        if not isinstance(name, str) or not name:
            raise ValueError("groups: must be names or objects with displayName")
        try:
            given = schema.checked("Group", dict(wanted))
        except GraphError as error:
            raise ValueError(error.message) from None
        tenant = self._on.tenant
        found = [e for e in tenant.find("group", "displayName", name) if e.deleted is None]
        if found:
            return found[0]
        document: dict[str, Any] = {
            "createdDateTime": self._on.directory.stamp(),
            "displayName": name,
            "groupTypes": [],
            "mailEnabled": False,
            "mailNickname": re.sub(r"[^A-Za-z0-9]", "", name)[:64] or "group",
            "securityEnabled": True,
        } | {key: value for key, value in given.items() if value is not None}
        document["id"] = str(uuid.uuid4())
        return tenant.put(Entry(document["id"], "group", document))


@dataclass(frozen=True)
class _Running:
    tenant: Tenant
    directory: Directory
    throttle: Throttle
    graph: Graph
    listener: Listener
    ca_file: str


def _buy(tenant: Tenant, skus: Iterable[Sku]) -> None:
    for sku in skus:
        tenant.buy(sku)


def _brief(entry: Entry, *names: str) -> dict[str, Any]:
    return {name: entry.document.get(name) for name in ("id", "displayName", *names)}
