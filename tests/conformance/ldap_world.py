"""The world of a directory that speaks LDAP, whichever server is behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from adapters.active_directory import ActiveDirectory, Config
from adapters.target import Target
from sandbox import certificates
from store.clocks import machine_now
from tests.conformance.world import Seen, Words
from tests.samba import Administrator, Ous

WORDS = Words(
    account_name="sAMAccountName",
    user_principal_name="userPrincipalName",
    key="employeeID",
    given_name="givenName",
    title="title",
    display_name="displayName",
    refused=("givenName", "g" * 65),
    unique=("sAMAccountName", "userPrincipalName"),
)
DONT_EXPIRE_PASSWORD = 0x10000


class LdapWorld:
    """A domain, one pair of OUs in it, and its administrator as the independent eye."""

    words = WORDS
    notices_changes = True
    reads_before_create = 0
    license = None

    def __init__(self, admin: Administrator, ous: Ous, settings: dict[str, Any], folder: Path):
        self.admin = admin
        self.people, self.leavers = ous.people, ous.leavers
        self.domain: str = settings["domain"]
        self._folder = folder
        self.config = Config(
            url=settings["url"],
            bind_dn=settings["bind_dn"],
            password=Path(settings["password_file"]).read_text,
            base_dn=settings["base_dn"],
            people_ou=ous.people,
            leavers_ou=ous.leavers,
            ca_file=settings["ca_file"],
        )
        self._targets: list[Target] = []
        self.target = self.direct()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.config.urls[0].removeprefix("ldaps://").rsplit(":", 1)
        return host, int(port)

    def sees(self, anchor: str) -> Seen:
        found = self.raw(anchor)
        dn = found["dn"]
        manager = None
        if "manager" in found:
            [entry] = self.admin.entries(found["manager"][0], attributes=["objectGUID"])
            manager = str(UUID(bytes_le=_as_bytes(entry["objectGUID"][0])))
        control = int(found["userAccountControl"][0])
        return Seen(
            enabled=not control & 2,
            rest=control & ~2,
            name=found["cn"][0],
            container=next(c for c in (self.people, self.leavers) if dn.endswith("," + c)),
            attributes={k: v[0] for k, v in found.items() if k != "dn" and isinstance(v[0], str)},
            manager=manager,
        )

    def raw(self, anchor: str) -> dict[str, Any]:
        """All values of the account as the administrator sees them."""
        [entry] = self.admin.entries(f"<GUID={anchor}>")
        return entry

    def delete(self, anchor: str) -> None:
        self.admin.delete(self.raw(anchor)["dn"])

    def meddle(self, anchor: str) -> None:
        control = int(self.raw(anchor)["userAccountControl"][0])
        self.admin.modify(
            f"<GUID={anchor}>", userAccountControl=str(control ^ DONT_EXPIRE_PASSWORD)
        )

    def protect(self, anchor: str) -> None:
        self.admin.modify(f"<GUID={anchor}>", adminCount="1")

    def take_name(self, login: str) -> str:
        principal = f"{login}@{self.domain}"
        return self._guid(
            self.admin.add_user(
                self.people,
                f"Other {login}",
                sAMAccountName=login,
                userPrincipalName=principal,
                userAccountControl=514,
            )
        )

    def populate(self, count: int) -> set[str]:
        for number in range(count):
            self.admin.add_user(self.people, f"Crowd {number}", userAccountControl=514)
        found = self.admin.pages(self.people, "(cn=Crowd *)", ["objectGUID"])
        return {str(UUID(bytes_le=_as_bytes(entry["objectGUID"][0]))) for entry in found}

    def add_group(self, name: str) -> str:
        dn = self.admin.add(f"CN={name},{self.people}", ["group"], {"sAMAccountName": name})
        return self._guid(dn)

    def delete_group(self, anchor: str) -> None:
        self.admin.delete(f"<GUID={anchor}>")

    def strange_groups(self) -> list[str]:
        name = f"adm-{uuid4().hex[:10]}"
        dn = f"CN={name},{self.people}"
        self.admin.add(dn, ["group"], {"sAMAccountName": name, "adminCount": "1"})
        users = f"CN=Users,{self.config.domain_dn}"
        return ["Domain Admins", f"CN=Domain Admins,{users}", "Domain Users", name, dn]

    def given(self, anchor: str) -> set[str]:
        return {self._guid(dn) for dn in self.raw(anchor).get("memberOf", ())}

    def _guid(self, dn: str) -> str:
        [entry] = self.admin.entries(dn, "(objectClass=*)", ["objectGUID"])
        return str(UUID(bytes_le=_as_bytes(entry["objectGUID"][0])))

    def direct(self, **changes: Any) -> Target:
        target = ActiveDirectory(replace(self.config, **changes))
        self._targets.append(target)
        return target

    def through(self, port: int) -> Target:
        return self.direct(
            url=f"ldaps://localhost:{port}", connect_timeout=2, receive_timeout=2, connections=1
        )

    def with_wrong_password(self) -> Target:
        return self.direct(password=lambda: "not the password")

    def with_wrong_authority(self) -> Target:
        certificates.ensure(self._folder, machine_now(), ["localhost"])
        return self.direct(ca_file=str(self._folder / "ca.pem"))

    def close(self) -> None:
        for target in self._targets:
            target.close()


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
