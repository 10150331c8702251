"""SAP Identity Provisioning as a SCIM client: what its sources read, how a target transformation
turns that into a body, and how it writes bodies to a "SCIM System"."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.scim.conftest import CORE, ENTERPRISE, Client

SF = "urn:ietf:params:scim:schemas:extension:successfactors:2.0:User"
SAP = "urn:ietf:params:scim:schemas:extension:sap:2.0:User"
SFSF = "urn:sap:cloud:scim:schemas:extension:sfsf:2.0:User"
CUSTOM = "urn:sap:cloud:scim:schemas:extension:custom:2.0:User"
ODM = "urn:ietf:params:scim:schemas:extension:sap.odm:2.0:User"

_FILE = Path(__file__).parents[2] / "adapters/successfactors/target_transformation.json"
RECOMMENDED: list[dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))
COPIED: list[dict[str, Any]] = [
    {"sourcePath": "$", "targetPath": "$"},
    {"type": "remove", "targetPath": "$.id"},
    {"sourceVariable": "entityIdTargetSystem", "targetPath": "$.id"},
    {"constant": True, "targetPath": "$.emails[0].primary"},
]
"""How every transformation to a SCIM System begins."""
SHIPPED = [*COPIED, {"type": "remove", "targetPath": f"$['{ENTERPRISE}']"}]
BETTER = [*COPIED, *RECOMMENDED]


def guid(number: int) -> str:
    return f"a74b54de-d8da-40db-ab86-{number:012x}"


def bare(text: str) -> str:
    return text.replace("-", "").upper()


Make = Callable[..., dict[str, Any]]
"""A number, a name and what else to say -> a user as one of the sources has it."""


def scim_api(number: int, name: str = "Wiebke Müllenbach", **more: Any) -> dict[str, Any]:
    """A user as the SCIM API of SuccessFactors has it (sf.api.version=2)."""
    given, _, family = name.partition(" ")
    login = (given[0] + family).lower().replace("ü", "ue")
    user: dict[str, Any] = {
        "schemas": [SF, CORE, SAP, ENTERPRISE],
        "id": guid(number),
        "userName": login,
        "userType": "EMPLOYEE",
        "name": {"familyName": family, "givenName": given},
        "displayName": name,
        "title": "Specialist, Optics",
        "preferredLanguage": "de_DE",
        "locale": "de_DE",
        "timezone": "Europe/Berlin",
        "active": True,
        "emails": [{"value": f"{login}@norhaven.example", "type": "work"}],
        "phoneNumbers": [{"value": f"+49 30 5550 {number % 10000:04}", "type": "work"}],
        "groups": [{"value": "sf-group-1", "display": "Everybody"}],
        SAP: {"userUuid": guid(number)},
        SF: {
            "perPersonUuid": bare(guid(number)),
            "loginMethod": "SSO",
            "personIdExternal": str(number),
            "customFields": [{"type": "custom02", "value": "2026-03-16"}],
        },
        ENTERPRISE: {"department": "Optics", "division": "Engineering"},
    }
    return with_more(user, more)


def odata(number: int, name: str = "Wiebke Müllenbach", **more: Any) -> dict[str, Any]:
    """The same user by OData (sf.api.version=1)."""
    whole = scim_api(number, name)
    user = {key: whole[key] for key in ("userName", "name", "displayName", "active", "emails")}
    user |= {
        "schemas": [CORE, SFSF, ENTERPRISE],
        "id": str(number),
        "userType": "employee",
        SFSF: {"personGUID": bare(guid(number)), "userSysID": str(number)},
        ENTERPRISE: {"employeeNumber": str(number)},
    }
    return with_more(user, more)


def identity_directory(number: int, name: str = "Wiebke Müllenbach", **more: Any) -> dict[str, Any]:
    """The same user in SAP's Identity Directory."""
    whole = scim_api(number, name)
    shared = ("userName", "name", "displayName", "active", "emails", "phoneNumbers", "timezone")
    user = {key: whole[key] for key in shared}
    user |= {
        "schemas": [CORE, SAP, CUSTOM, ODM],
        "id": guid(number + 7),
        "userType": "employee",
        "addresses": [{"type": "work", "locality": "Berlin", "country": "DE"}],
        SAP: {
            "userId": f"P{number:06}",
            "userUuid": guid(number),
            "validFrom": "2026-03-16T00:00:00Z",
            "validTo": "9999-12-31T23:59:59Z",
            "sourceSystem": 0,
            "sourceSystemId": "sf",
        },
        CUSTOM: {
            "userId": f"P{number:06}",
            "attributes": [{"name": "customAttribute1", "value": "B-12"}],
        },
        ODM: {
            "workforcePersonId": str(number),
            "costCenter": "4101",
            "jobDetails": [{"jobCode": "41-IC2"}],
        },
    }
    return with_more(user, more)


def master_data(number: int, name: str = "Wiebke Müllenbach", **more: Any) -> dict[str, Any]:
    """The same user from SAP Master Data Integration."""
    given, _, family = name.partition(" ")
    user = {
        "schemas": [CORE, SFSF],
        "id": guid(number + 9),
        "name": {"givenName": given, "familyName": family},
        "active": True,
        "emails": [{"value": f"{family.lower()}@norhaven.example".replace("ü", "ue")}],
        SFSF: {"personGUID": guid(number)},
    }
    return with_more(user, more)


def with_more(user: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    for key, value in more.items():
        if value is None:
            user.pop(key, None)
        elif isinstance(value, dict) and isinstance(user.get(key), dict):
            user[key] = {**user[key], **value}
        else:
            user[key] = value
    return user


NUMBERED: list[Make] = [scim_api, odata, identity_directory]
"""The sources whose users have a number."""


class Ips:
    """A job from one source into one SCIM System."""

    def __init__(
        self,
        client: Client,
        mappings: list[dict[str, Any]] | None = None,
        unique: str = "userName",
        content_type: str = "application/scim+json",
        **headers: str,
    ) -> None:
        self.client = client
        self.mappings = SHIPPED if mappings is None else mappings
        self.unique = unique
        self.headers = {"Content-Type": content_type, **headers}
        self.known: dict[str, str] = {}
        """Id in the source -> id in the target."""
        self.log: list[str] = []

    def provision(self, user: dict[str, Any]) -> str:
        """POST a new user, PUT a known one, as a read job does. Returns the target's id."""
        source_id = user["id"]
        if source_id not in self.known:
            body = self.body(user)
            answer = self.send("POST", "/Users", body)
            if answer.status_code == 409:
                found = self.find(body)
                if not found:
                    raise LookupError(answer.get_json(force=True)["detail"])
                (one,) = found
                self.known[source_id] = one["id"]
            else:
                assert answer.status_code == 201, answer.text
                self.known[source_id] = answer.get_json(force=True)["id"]
                return self.known[source_id]
        id = self.known[source_id]
        answer = self.send("PUT", f"/Users/{id}", self.body(user, id))
        assert answer.status_code == 200, answer.text
        return id

    def gone(self, user: dict[str, Any]) -> None:
        """The user left the source: a DELETE, or an update where `deleteEntity` is used."""
        id = self.known[user["id"]]
        if any(one.get("scope") == "deleteEntity" for one in self.mappings):
            answer = self.send("PUT", f"/Users/{id}", self.body(user, id, "deleteEntity"))
            assert answer.status_code == 200, answer.text
            return
        del self.known[user["id"]]
        assert self.send("DELETE", f"/Users/{id}").status_code == 204

    def reset(self) -> None:
        """All that IPS remembers of the target is gone."""
        self.known.clear()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        headers = dict(self.headers)
        if body is None:
            headers.pop("Content-Type")
        answer = self.client.send(method, path, body, headers)
        self.log.append(f"{method} {answer.status_code}")
        return answer

    def find(self, body: dict[str, Any]) -> list[Any]:
        terms = []
        for name in self.unique.split(","):
            value = at(body, tokens(f"$.{name}"))
            terms.append(f"{name} eq {json.dumps(value)}")
        answer = self.client.find(" and ".join(terms))
        self.log.append(f"GET {answer.status_code}")
        return list(answer.get_json(force=True)["Resources"])

    def body(self, user: dict[str, Any], id: str | None = None, scope: str | None = None) -> Any:
        """What the target transformation makes of a user."""
        made: dict[str, Any] = {}
        for mapping in self.mappings:
            if mapping.get("scope") != scope:
                continue
            path = tokens(mapping["targetPath"])
            if mapping.get("type") == "remove":
                remove(made, path)
                continue
            if "constant" in mapping:
                value = mapping["constant"]
            elif "sourceVariable" in mapping:
                value = id
            else:
                value = copy.deepcopy(at(user, tokens(mapping["sourcePath"])))
            for function in mapping.get("functions", ()):
                assert function == {"function": "resolveEntityIds"}
                value = self.known.get(value)
            if value is not None:
                if path:
                    put(made, path, value)
                else:
                    made = value
        return made


def tokens(path: str) -> list[str | int]:
    """`$['a'].b[0]` -> a, b, 0."""
    found: list[str | int] = []
    for quoted, number, name in re.findall(r"\['([^']+)'\]|\[(\d+)\]|\.([A-Za-z]+)", path):
        found.append(int(number) if number else quoted or name)
    return found


def at(value: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def put(value: Any, path: list[str | int], new: Any) -> None:
    for step in path[:-1]:
        if isinstance(step, str):
            value = value.setdefault(step, {})
        elif len(value) > step:
            value = value[step]
        else:
            return
    value[path[-1]] = new


def remove(value: Any, path: list[str | int]) -> None:
    holder = at(value, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
