"""The world of an Entra tenant: the sandbox's, spoken to by the real SDK over TLS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from adapters.entra_id import Config, EntraId
from adapters.target import Target
from sandbox import certificates
from sandbox.entra import SandboxEntra
from store.clocks import machine_now
from tests.conformance.world import Seen, Words

WORDS = Words(
    account_name="mailNickname",
    user_principal_name="userPrincipalName",
    key="employeeId",
    given_name="givenName",
    title="jobTitle",
    display_name="displayName",
    refused=("givenName", "g" * 65),
    unique=("userPrincipalName",),
)


class EntraWorld:
    """A tenant, and a plain HTTP client as the independent eye."""

    words = WORDS
    people = leavers = None
    domain = "norhaven.example"
    notices_changes = False
    reads_before_create = 1
    license = "EMS"

    def __init__(self, sandbox: SandboxEntra, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._settings = settings = sandbox.settings()
        self.config = Config(
            settings["tenant_id"],
            settings["client_id"],
            client_secret=lambda: settings["client_secret"],
            graph=settings["graph"],
            authority=settings["authority"],
            ca_file=Path(settings["ca_file"]),
        )
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = settings["ca_file"]
        self._http.headers["Authorization"] = f"Bearer {self._token()}"
        self._targets: list[Target] = []
        self.target = self.direct()

    def _token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings["client_id"],
            "client_secret": self._settings["client_secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        url = f"{self._settings['authority']}/{self._settings['tenant_id']}/oauth2/v2.0/token"
        return str(self._http.post(url, data=form, timeout=10).json()["access_token"])

    def _ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self._settings['graph']}/users/{path}"
        return self._http.request(method, url, json=body, timeout=10)

    @property
    def address(self) -> tuple[str, int]:
        url = urlsplit(self.config.graph)
        return url.hostname or "", url.port or 443

    def sees(self, anchor: str) -> Seen:
        names = (
            "accountEnabled,displayName,givenName,jobTitle,employeeId,mail,userPrincipalName,"
            "mailNickname,officeLocation"
        )
        answer = self._ask("GET", f"{anchor}?$select={names}")
        assert answer.status_code == 200, answer.text
        user = answer.json()
        manager = self._ask("GET", f"{anchor}/manager?$select=id")
        return Seen(
            enabled=user["accountEnabled"],
            rest=user["officeLocation"],
            name=None,
            container=None,
            attributes={k: v for k, v in user.items() if isinstance(v, str) and "@" not in k},
            manager=manager.json()["id"] if manager.status_code == 200 else None,
        )

    def delete(self, anchor: str) -> None:
        assert self._ask("DELETE", anchor).status_code == 204

    def meddle(self, anchor: str) -> None:
        assert self._ask("PATCH", anchor, {"officeLocation": "B 7"}).status_code == 204

    def protect(self, anchor: str) -> None:
        [user] = [each for each in self._sandbox.dump() if each["id"] == anchor]
        self._sandbox.put([{**user, "onPremisesSyncEnabled": True}])

    def take_name(self, login: str) -> str:
        principal = f"{login}@{self.domain}"
        self._sandbox.put([{"userPrincipalName": principal, "mailNickname": login}])
        [user] = [each for each in self._sandbox.dump() if each["userPrincipalName"] == principal]
        return str(user["id"])

    def populate(self, count: int) -> set[str]:
        run = uuid4().hex[:8]
        self._sandbox.put(
            {"userPrincipalName": f"crowd-{run}-{number}@{self.domain}"} for number in range(count)
        )
        return {
            user["id"]
            for user in self._sandbox.dump()
            if user["userPrincipalName"].startswith(f"crowd-{run}-")
        }

    def add_group(self, name: str) -> str:
        return self._new_group(name)

    def _new_group(self, name: str, **more: Any) -> str:
        body = {
            "displayName": name,
            "mailEnabled": False,
            "mailNickname": f"m{uuid4().hex[:12]}",
            "securityEnabled": True,
            **more,
        }
        url = f"{self._settings['graph']}/groups"
        answer = self._http.post(url, json=body, timeout=10)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def delete_group(self, anchor: str) -> None:
        url = f"{self._settings['graph']}/groups/{anchor}"
        assert self._http.delete(url, timeout=10).status_code == 204

    def strange_groups(self) -> list[str]:
        """One that finds its members itself, and one each that AD, Exchange and a role own."""
        name = f"strange-{uuid4().hex[:8]}"
        dynamic = self._new_group(
            f"{name}-dynamic",
            groupTypes=["DynamicMembership"],
            membershipRule='user.department -eq "Sales"',
            membershipRuleProcessingState="On",
        )
        seen = [
            {"displayName": f"{name}-synced", "onPremisesSyncEnabled": True},
            {"displayName": f"{name}-mail", "mailEnabled": True},
            {"displayName": f"{name}-role", "isAssignableToRole": True},
            {"displayName": f"{name}-list", "mailEnabled": True, "securityEnabled": False},
        ]
        self._sandbox.put([{"userPrincipalName": f"{name}@{self.domain}", "groups": seen}])
        return [dynamic, f"{name}-dynamic", *(group["displayName"] for group in seen)]

    def given(self, anchor: str) -> set[str]:
        groups = self._ask("GET", f"{anchor}/memberOf?$select=id").json()["value"]
        user = self._ask("GET", f"{anchor}?$select=licenseAssignmentStates").json()
        return {group["id"] for group in groups} | {
            state["skuId"]
            for state in user["licenseAssignmentStates"]
            if state["assignedByGroup"] is None
        }

    def direct(self, **changes: Any) -> Target:
        target = EntraId(replace(self.config, **changes))
        self._targets.append(target)
        return target

    def through(self, port: int) -> Target:
        origin = f"https://localhost:{port}"
        return self.direct(
            graph=f"{origin}/v1.0", authority=origin, connect_timeout=2.0, answer_timeout=2.0
        )

    def with_wrong_password(self) -> Target:
        return self.direct(client_secret=lambda: "not the password")

    def with_wrong_authority(self) -> Target:
        certificates.ensure(self._folder, machine_now(), ["localhost"])
        return self.direct(ca_file=self._folder / "ca.pem")

    def close(self) -> None:
        self._http.close()
        for target in self._targets:
            target.close()
