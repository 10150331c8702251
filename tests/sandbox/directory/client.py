"""An LDAP client of the tests' own: ldap3, bare, with answers as they come."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ldap3

from sandbox.directory import SandboxDirectory

Change = tuple[str, list[Any]]


@dataclass(frozen=True)
class Answer:
    """The end of an operation."""

    code: int
    text: str
    entries: list[dict[str, Any]] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    controls: Mapping[str, Any] = field(default_factory=dict)

    @property
    def win32(self) -> str:
        """The eight hex digits at the front of the text."""
        return self.text[:8]

    @property
    def refusal(self) -> tuple[int, str]:
        return self.code, self.win32


class Client:
    """One connection, bound as the service account unless told otherwise."""

    def __init__(
        self,
        directory: SandboxDirectory,
        user: str | None = None,
        password: str | None = None,
        receive_timeout: float | None = 10,
    ) -> None:
        settings = directory.settings()
        self.settings = settings
        self.people, self.leavers = settings["people_ou"], settings["leavers_ou"]
        self.base = settings["base_dn"]
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings["ca_file"])
        self.connection = ldap3.Connection(
            ldap3.Server(settings["url"], get_info=ldap3.NONE, tls=tls, connect_timeout=5),
            settings["bind_dn"] if user is None else user,
            settings["password"] if password is None else password,
            client_strategy=ldap3.SAFE_SYNC,
            receive_timeout=receive_timeout,
            auto_referrals=False,
            auto_range=False,
            return_empty_attributes=False,
            check_names=False,
        )

    def bind(self) -> Answer:
        return _answer(self.connection.bind())

    def close(self) -> None:
        self.connection.unbind()

    def search(
        self,
        filter: str = "(objectClass=*)",
        base: str | None = None,
        scope: str = ldap3.SUBTREE,
        attributes: Sequence[str] = ("*",),
        **more: Any,
    ) -> Answer:
        return _answer(
            self.connection.search(
                self.base if base is None else base,
                filter,
                scope,
                attributes=list(attributes),
                **more,
            )
        )

    def names(self, filter: str, **more: Any) -> list[str]:
        """cn of what is found below People, sorted."""
        more.setdefault("base", self.people)
        answer = self.search(filter, attributes=["cn"], **more)
        assert answer.code == 0, answer
        return sorted(e["cn"][0].decode() for e in answer.entries if "cn" in e)

    def entry(self, dn: str, attributes: Sequence[str] = ("*",)) -> dict[str, Any]:
        """The entry at `dn`; fails when there is none."""
        answer = self.search(base=dn, scope=ldap3.BASE, attributes=attributes)
        assert answer.code == 0, answer
        return answer.entries[0]

    def add(self, dn: str, kind: str = "user", **attributes: Any) -> Answer:
        return _answer(self.connection.add(dn, [kind], attributes))

    def person(self, name: str = "Ada Berg", **attributes: Any) -> str:
        """A user below People; its DN."""
        dn = f"CN={name},{self.people}"
        answer = self.add(dn, **{"sAMAccountName": name.replace(" ", "")[:20], **attributes})
        assert answer.code == 0, answer
        return dn

    def group(self, name: str = "Nurses", **attributes: Any) -> str:
        dn = f"CN={name},{self.people}"
        answer = self.add(dn, "group", sAMAccountName=name, **attributes)
        assert answer.code == 0, answer
        return dn

    def modify(self, dn: str, changes: Mapping[str, list[Change]], **more: Any) -> Answer:
        return _answer(self.connection.modify(dn, dict(changes), **more))

    def replace(self, dn: str, **attributes: Any) -> Answer:
        """Replace values; None removes the attribute."""
        changes = {
            name: [(ldap3.MODIFY_REPLACE, [] if value is None else _listed(value))]
            for name, value in attributes.items()
        }
        return self.modify(dn, changes)

    def insert(self, dn: str, **attributes: Any) -> Answer:
        return self.modify(dn, {n: [(ldap3.MODIFY_ADD, _listed(v))] for n, v in attributes.items()})

    def remove(self, dn: str, **attributes: Any) -> Answer:
        return self.modify(
            dn,
            {
                n: [(ldap3.MODIFY_DELETE, [] if v is None else _listed(v))]
                for n, v in attributes.items()
            },
        )

    def move(self, dn: str, rdn: str, superior: str | None = None, **more: Any) -> Answer:
        return _answer(self.connection.modify_dn(dn, rdn, new_superior=superior, **more))

    def delete(self, dn: str, **more: Any) -> Answer:
        return _answer(self.connection.delete(dn, **more))


def secret(password: str) -> bytes:
    """A unicodePwd value."""
    return f'"{password}"'.encode("utf-16-le")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _answer(outcome: Any) -> Answer:
    _, result, response, _ = outcome
    entries, references = [], []
    for found in response or ():
        if found["type"] == "searchResEntry":
            entries.append({"dn": found["dn"], **found["raw_attributes"]})
        elif found["type"] == "searchResRef":
            references += found["uri"]
    return Answer(
        result["result"], result["message"] or "", entries, references, result.get("controls") or {}
    )
