"""What the directory answers to each message: binds, reads, writes, and who may do which."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator

from sandbox.directory import accounts, errors, messages, operations, schema, search
from sandbox.directory.ber import Malformed, element
from sandbox.directory.domain import Domain
from sandbox.directory.filters import key_of
from sandbox.directory.messages import Message, Result
from sandbox.directory.seed import SERVICE_ACCOUNT
from sandbox.directory.tree import Entry
from sandbox.directory.values import fold, generalized_time
from sandbox.directory.view import View
from store.clocks import machine_now

_WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_DOMAIN_ADMINS = 512

_CONTROLS = frozenset(
    {
        search.PAGED,
        search.EXTENDED_DN,
        search.SHOW_DELETED,
        search.SHOW_RECYCLED,
        search.DOMAIN_SCOPE,
        operations.PERMISSIVE,
        operations.TREE_DELETE,
        "1.2.840.113556.1.4.801",  # security descriptor flags: there are no descriptors
        "1.2.840.113556.1.4.619",  # lazy commit
        "1.2.840.113556.1.4.1340",  # search options
        "1.2.840.113556.1.4.2239",  # password policy hints: there is no history
    }
)
"""Controls that are understood or make no difference here; another one, if critical, is 12."""


class Session:
    """What one connection is: who it is bound as, and its paged searches."""

    def __init__(self) -> None:
        self.guid: bytes | None = None
        self.pages = search.Pages()


class Service:
    """Answers messages. `lock` is held while the domain is looked at or changed."""

    def __init__(self, domain: Domain, lock: threading.RLock) -> None:
        self._domain = domain
        self._lock = lock

    def answer(self, message: Message, session: Session, lag: float = 0) -> list[bytes]:
        """All messages of the answer. `lag`: readers see a write only after so many seconds."""
        request = message.operation
        with self._lock:
            before = self._domain.picture() if lag else None
            try:
                self._check_controls(message)
                answer = list(self._carry_out(message, session))
            except errors.Refused as refusal:
                result = Result(refusal.code, refusal.matched, refusal.text, refusal.referral)
                return [messages.write_result(message.id, request, result)]
            except (Malformed, sqlite3.Error) as error:
                refused = (
                    errors.comment(2, 0x57, "Error decoding ldap message")
                    if isinstance(error, Malformed)
                    else errors.comment(52, 0x200F, "The directory cannot write its file")
                )
                result = Result(refused.code, text=refused.text)
                return [messages.write_result(message.id, request, result)]
            if before is not None:
                self._domain.hide_until(machine_now() + lag, before)
            return answer

    def _check_controls(self, message: Message) -> None:
        for control in message.controls.values():
            if control.critical and control.oid not in _CONTROLS:
                raise errors.comment(12, 0x57, "Error processing control")

    def _carry_out(self, message: Message, session: Session) -> Iterator[bytes]:
        domain, request, controls = self._domain, message.operation, message.controls
        if isinstance(request, messages.Bind):
            yield from self._bind(message.id, request, session)
        elif isinstance(request, messages.Search) and not request.base and request.scope == 0:
            yield from search.root_dse(request, self._root_dse(), message.id)
        elif isinstance(request, messages.Extended):
            yield self._extended(message.id, request, session)
        else:
            self._check_bound(session)
            if isinstance(request, messages.Search):
                view = self._view(search.extended_dn(controls))
                yield from search.run(request, controls, view, session.pages, message.id)
                return
            if isinstance(request, messages.CompareRequest):
                yield messages.write_result(message.id, request, self._compare(request))
                return
            self._check_writer(session)
            if isinstance(request, messages.Add):
                operations.add(domain, request)
            elif isinstance(request, messages.Modify):
                operations.modify(domain, request, controls)
            elif isinstance(request, messages.ModifyDN):
                operations.modify_dn(domain, request)
            elif isinstance(request, messages.Delete):
                operations.delete(domain, request, controls)
            yield messages.write_result(message.id, request, Result())

    def _view(self, extended: int | None = None) -> View:
        domain = self._domain
        return View(domain.visible(machine_now()), domain.clock, extended)

    # -- who

    def _bind(self, number: int, request: messages.Bind, session: Session) -> Iterator[bytes]:
        session.guid = None
        if request.version != 3:
            raise errors.Refused(2, "")
        if request.password is None:
            raise errors.comment(7, 0x2027, "Only simple binds are offered here")
        if request.password:
            entry = self._account(request.name)
            if entry is None:
                raise errors.logon("52e")
            password = request.password.decode("utf-8", "replace")
            accounts.check_logon(entry, password, self._domain.clock())
            session.guid = entry.guid
        yield messages.write_result(number, request, Result())

    def _account(self, name: str) -> Entry | None:
        """The user that a bind name means: DN, UPN, `DOMAIN\\name`, or account name @ realm."""
        tree = self._domain.tree
        found: tuple[bytes, ...] | None = None
        domain, backslash, account = name.rpartition("\\")
        local, at, suffix = name.rpartition("@")
        if "=" in name:
            with contextlib.suppress(errors.Refused):
                found = (tree.resolve(name).guid,)
        if not found and at:
            found = tree.found("userPrincipalName", fold(name))
            if not found and fold(suffix) == fold(self._domain.realm):
                found = tree.found("sAMAccountName", fold(local))
        if not found and backslash and fold(domain) == fold(self._short):
            found = tree.found("sAMAccountName", fold(account))
        entry = tree.entries[found[0]] if found and len(found) == 1 else None
        return entry if entry is not None and entry.kind == "u" else None

    @property
    def _short(self) -> str:
        return self._domain.realm.split(".")[0].upper()

    def _bound(self, session: Session) -> Entry | None:
        entry = self._domain.tree.entries.get(session.guid or b"")
        return None if entry is None or entry.deleted else entry

    def _check_bound(self, session: Session) -> None:
        if self._bound(session) is None:
            raise errors.comment(
                1,
                0x4DC,
                "In order to perform this operation a successful bind must be completed "
                "on the connection.",
            )

    def _check_writer(self, session: Session) -> None:
        """The service account and the domain's administrators write; others read."""
        entry = self._bound(session)
        assert entry is not None
        if entry.rdn[1] == SERVICE_ACCOUNT and entry.one("isCriticalSystemObject"):
            return
        admins = self._domain.new_sid(_DOMAIN_ADMINS)
        groups = self._view().values(entry, schema.attribute("tokenGroups"))
        if admins not in groups:
            raise errors.rights()

    # -- the rest

    def _compare(self, request: messages.CompareRequest) -> Result:
        view = self._view()
        entry = view.tree.resolve(request.dn)
        attribute = schema.attribute(request.attribute)
        values = view.values(entry, attribute)
        if not values:
            raise errors.attribute(16, 0x2080, 1001, attribute.name, attribute.number)
        try:
            wanted = key_of(attribute, request.value, view)
        except ValueError:
            raise errors.conversion(21) from None
        if attribute.syntax in ("link", "back"):
            return Result(6 if wanted in view.links(entry, attribute) else 5)
        return Result(6 if wanted in [attribute.key(value) for value in values] else 5)

    def _extended(self, number: int, request: messages.Extended, session: Session) -> bytes:
        if request.name != _WHO_AM_I:
            raise errors.comment(2, 0x203D, "Unknown extended request OID")
        entry = self._bound(session)
        who = b""
        if entry is not None:
            who = f"u:{self._short}\\".encode() + (entry.one("sAMAccountName") or b"")
        return messages.write_result(number, request, Result(), element(0x8B, who))

    def _root_dse(self) -> dict[str, tuple[bytes, ...]]:
        domain = self._domain
        base, configuration = domain.base_dn, f"CN=Configuration,{domain.base_dn}"
        one = {
            "currentTime": generalized_time(domain.clock()).decode(),
            "defaultNamingContext": base,
            "rootDomainNamingContext": base,
            "configurationNamingContext": configuration,
            "schemaNamingContext": f"CN=Schema,{configuration}",
            "subschemaSubentry": f"CN=Aggregate,CN=Schema,{configuration}",
            "dnsHostName": "localhost",
            "ldapServiceName": f"{domain.realm}:sandbox$@{domain.realm.upper()}",
            "serverName": f"CN=SANDBOX,CN=Servers,CN=Sites,{configuration}",
            "highestCommittedUSN": str(domain.usn),
            "isSynchronized": "TRUE",
            "isGlobalCatalogReady": "TRUE",
            "domainFunctionality": "7",
            "forestFunctionality": "7",
            "domainControllerFunctionality": "7",
            "vendorName": "Muster sandbox",
        }
        shown: dict[str, tuple[bytes, ...]] = {
            name: (value.encode(),) for name, value in one.items()
        }
        shown["namingContexts"] = (base.encode(), configuration.encode())
        shown["supportedLDAPVersion"] = (b"3",)
        shown["supportedControl"] = tuple(oid.encode() for oid in sorted(_CONTROLS))
        shown["supportedExtension"] = (_WHO_AM_I.encode(),)
        shown["supportedCapabilities"] = (
            b"1.2.840.113556.1.4.800",
            b"1.2.840.113556.1.4.1670",
            b"1.2.840.113556.1.4.1935",
            b"1.2.840.113556.1.4.2080",
        )
        return shown
