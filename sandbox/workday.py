"""A worker as Workday's integrations send one: SCIM core, enterprise and worker extension."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

DOMAIN = "norhaven.example"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True)
class Office:
    """A place of work with the legal company it belongs to."""

    company: str
    company_code: str
    city: str
    city_code: str
    street: str
    postal_code: str
    country: str
    """ISO 3166-1 alpha-3, as Workday has it."""
    timezone: str
    language: str
    phone: str
    """The number before the extension."""


GOTHENBURG = Office(
    company="Norhaven AB",
    company_code="N130",
    city="Göteborg",
    city_code="GOT",
    street="Magasinsgatan 11",
    postal_code="411 18",
    country="SWE",
    timezone="Europe/Stockholm",
    language="sv-SE",
    phone="+46 31 555 40",
)
LEEDS = Office(
    company="Norhaven Ltd",
    company_code="N110",
    city="Leeds",
    city_code="LDS",
    street="12 Mill Walk",
    postal_code="LS1 4ZZ",
    country="GBR",
    timezone="Europe/London",
    language="en-GB",
    phone="+44 113 496 40",
)
BERLIN = Office(
    company="Norhaven GmbH",
    company_code="N100",
    city="Berlin",
    city_code="BER",
    street="Lindenufer 4",
    postal_code="10115",
    country="DEU",
    timezone="Europe/Berlin",
    language="de-DE",
    phone="+49 30 5554 40",
)


@dataclass(frozen=True)
class Worker:
    """What HR knows of one worker; `document` is how it says so."""

    number: str
    given: str
    family: str
    title: str
    department: str
    office: Office
    hired: date
    manager: str | None = None
    """The manager's worker number, whether or not they are known already."""
    login: str | None = None
    """HR's own account name; without one the gateway makes it. Gives the work address too."""
    first_hired: date | None = None
    """Of who has returned."""
    contract_end: date | None = None
    """Of a contractor: the last day."""
    on_leave: bool = False
    ended: date | None = None
    """The last day of who leaves or has left."""

    @property
    def name(self) -> str:
        """As people say it."""
        return f"{self.given} {self.family}"

    def document(self, today: date) -> dict[str, Any]:
        """The SCIM user that HR pushes on this day."""
        office = self.office
        contractor = self.contract_end is not None
        gone = self.ended is not None and self.ended < today
        status = "onLeave" if self.on_leave else "preHire" if self.hired > today else "active"
        enterprise: dict[str, Any] = {
            "employeeNumber": self.number,
            "organization": office.company,
            "department": self.department,
        }
        if self.manager:
            enterprise["manager"] = {"value": self.manager}
        worker: dict[str, Any] = {
            "workerId": self.number,
            "sourceId": uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.number}.{DOMAIN}").hex,
            "workerType": "Contingent" if contractor else "Employee",
            "workerSubType": "Consultant" if contractor else "Regular",
            "status": "terminated" if gone else status,
            "hireDate": self.hired.isoformat(),
            "originalHireDate": (self.first_hired or self.hired).isoformat(),
            "onLeave": self.on_leave,
            "legalGivenName": self.given,
            "legalFamilyName": self.family,
            "company": office.company,
            "companyCode": office.company_code,
            "location": office.city,
            "locationCode": office.city_code,
            "positionId": f"P-{self.number}",
            "timeType": "Full_time",
            "fte": 1.0,
        }
        if self.contract_end:
            worker["contractEndDate"] = self.contract_end.isoformat()
        if self.ended:
            worker["terminationDate"] = self.ended.isoformat()
        whole: dict[str, Any] = {
            "schemas": [CORE, ENTERPRISE, WORKER],
            "externalId": self.number,
            "active": not gone,
            "name": {
                "formatted": self.name,
                "givenName": self.given,
                "familyName": self.family,
            },
            "displayName": self.name,
            "title": self.title,
            "userType": "Contingent Worker" if contractor else "Employee",
            "preferredLanguage": office.language,
            "locale": office.language,
            "timezone": office.timezone,
            "phoneNumbers": [
                {"type": "work", "value": office.phone + self.number[-2:], "primary": True}
            ],
            "addresses": [
                {
                    "type": "work",
                    "streetAddress": office.street,
                    "locality": office.city,
                    "postalCode": office.postal_code,
                    "country": office.country,
                    "primary": True,
                }
            ],
            ENTERPRISE: enterprise,
            WORKER: worker,
        }
        if self.login:
            whole["userName"] = worker["sourceUserId"] = self.login
            whole["emails"] = [{"type": "work", "value": f"{self.login}@{DOMAIN}", "primary": True}]
        return whole


def patch(**changes: Any) -> dict[str, Any]:
    """A PATCH that replaces attributes: core ones by name, those of the worker extension by
    `worker_NAME`."""
    operations = []
    for name, value in changes.items():
        core, _, extended = name.partition("worker_")
        path = f"{WORKER}:{extended}" if extended else core
        operations.append({"op": "replace", "path": path, "value": value})
    return {"schemas": [PATCH], "Operations": operations}
