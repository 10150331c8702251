"""Reports as a service (RaaS) in JSON: the columns that have a meaning, by their names.

A report's columns are named by whoever made it. Names that Workday's own fields have are
understood in any case and with any separators; all others are kept in an extension of their
own, where a mapping can read them, but for what is private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from scim.errors import invalid_syntax

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
REPORT = "urn:muster:scim:schemas:extension:report:1.0:User"
"""Holds the columns that have no meaning here."""
_ENDS = ("terminationDate", "lastDayOfWork", "contractEndDate")

_WHOSE = ("Home", "Personal", "Private", "Primary_Home", "Primary_Personal")
_REACH = (
    "Email", "Email_Address", "Phone", "Phone_Number", "Landline", "Mobile", "Mobile_Phone",
    "Cell_Phone", "Fax", "Address", "Address_Line_1", "Address_Line_2", "Street", "City",
    "Municipality", "Region", "State", "Postal_Code", "Zip_Code", "Country",
)  # fmt: skip
PRIVATE = (
    *(f"{whose}_{what}" for whose in _WHOSE for what in _REACH),
    *(f"{what}_{whose}" for whose in _WHOSE[:3] for what in _REACH),
    "Emergency_Contact", "Emergency_Contacts", "Emergency_Contact_Name", "Emergency_Contact_Phone",
    "Emergency_Phone", "National_ID", "National_IDs", "National_Identifier", "Government_ID",
    "Social_Security_Number", "SSN", "Tax_ID", "Passport_ID", "Passport_Number", "Visa_ID",
    "License_ID", "Date_of_Birth", "Birth_Date", "Birthday", "DOB", "Bank_Account",
    "Bank_Account_Number", "IBAN",
)  # fmt: skip
"""Columns that are not taken over at all: no directory has a use for them."""

Path = tuple[str, ...]

COLUMNS: dict[str, Path] = {
    "Contingent_Worker_ID": ("externalId",),
    "Employee_ID": ("externalId",),
    "Worker_ID": ("externalId",),
    "WID": (WORKER, "sourceId"),
    "Workday_ID": (WORKER, "sourceId"),
    "Universal_ID": (WORKER, "universalId"),
    "User_Name": ("userName",),
    "User_ID": (WORKER, "sourceUserId"),
    "Active": ("active",),
    "Active_Status": ("active",),
    "Worker_Type": (WORKER, "workerType"),
    "Worker_Sub_Type": (WORKER, "workerSubType"),
    "Employee_Type": (WORKER, "workerSubType"),
    "Contingent_Worker_Type": (WORKER, "workerSubType"),
    "Worker_Status": (WORKER, "status"),
    "First_Name": ("name", "givenName"),
    "Preferred_First_Name": ("name", "givenName"),
    "Middle_Name": ("name", "middleName"),
    "Last_Name": ("name", "familyName"),
    "Preferred_Last_Name": ("name", "familyName"),
    "Legal_First_Name": (WORKER, "legalGivenName"),
    "Legal_Last_Name": (WORKER, "legalFamilyName"),
    "Preferred_Name": ("displayName",),
    "Business_Title": ("title",),
    "Email_Work": ("emails", "work"),
    "Work_Email": ("emails", "work"),
    "Primary_Work_Email": ("emails", "work"),
    "Work_Phone": ("phoneNumbers", "work"),
    "Primary_Work_Phone": ("phoneNumbers", "work"),
    "Work_Mobile": ("phoneNumbers", "mobile"),
    "Primary_Work_Mobile": ("phoneNumbers", "mobile"),
    "Work_Fax": ("phoneNumbers", "fax"),
    "Work_Address_Line_1": ("addresses", "streetAddress"),
    "Work_City": ("addresses", "locality"),
    "Work_Region": ("addresses", "region"),
    "Work_Postal_Code": ("addresses", "postalCode"),
    "Work_Country": ("addresses", "country"),
    "Locale": ("locale",),
    "Time_Zone": ("timezone",),
    "Hire_Date": (WORKER, "hireDate"),
    "Original_Hire_Date": (WORKER, "originalHireDate"),
    "Termination_Date": (WORKER, "terminationDate"),
    "Last_Day_of_Work": (WORKER, "lastDayOfWork"),
    "Termination_Last_Day_of_Work": (WORKER, "lastDayOfWork"),
    "Contract_End_Date": (WORKER, "contractEndDate"),
    "Termination_Involuntary": (WORKER, "involuntary"),
    "Termination_Reason": (WORKER, "terminationReason"),
    "Retired": (WORKER, "retired"),
    "Rehire": (WORKER, "rehire"),
    "Hire_Rescinded": (WORKER, "hireRescinded"),
    "On_Leave": (WORKER, "onLeave"),
    "Leave_Type": (WORKER, "leaveType"),
    "Leave_Start_Date": (WORKER, "leaveStartDate"),
    "Leave_End_Date": (WORKER, "leaveExpectedEndDate"),
    "Estimated_Leave_End_Date": (WORKER, "leaveExpectedEndDate"),
    "Manager_ID": (ENTERPRISE, "manager"),
    "Manager_Employee_ID": (ENTERPRISE, "manager"),
    "Department": (ENTERPRISE, "department"),
    "Division": (ENTERPRISE, "division"),
    "Cost_Center_Code": (WORKER, "costCenterCode"),
    "Cost_Center": (ENTERPRISE, "costCenter"),
    "Company": (WORKER, "company"),
    "Company_Code": (WORKER, "companyCode"),
    "Business_Unit": (WORKER, "businessUnit"),
    "Supervisory_Organization": (WORKER, "supervisoryOrganization"),
    "Location": (WORKER, "location"),
    "Location_Code": (WORKER, "locationCode"),
    "Work_Space": (WORKER, "workSpace"),
    "Job_Code": (WORKER, "jobCode"),
    "Job_Family": (WORKER, "jobFamily"),
    "Management_Level": (WORKER, "managementLevel"),
    "Position_ID": (WORKER, "positionId"),
    "Time_Type": (WORKER, "timeType"),
    "FTE": (WORKER, "fte"),
    "Effective_Date": (WORKER, "effectiveDate"),
    "Last_Functionally_Updated": (WORKER, "sourceModifiedAt"),
    "Provisioning_Groups": (WORKER, "provisioningGroups"),
    "Additional_Jobs": (WORKER, "additionalAssignments"),
}
"""What a column says, by Workday's name of the field. A later one of two that say the same
wins where it has a value: the preferred name over the first name."""


def _fold(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_OF_A_JOB = {
    "positionid": "positionId",
    "positiontitle": "title",
    "businesstitle": "title",
    "department": "department",
    "location": "location",
    "managerid": "managerId",
    "startdate": "startDate",
    "enddate": "endDate",
}
"""Columns within one of the additional jobs, folded."""
_DROPPED = frozenset(map(_fold, PRIVATE))
_MEANT = {_fold(name): (rank, path) for rank, (name, path) in enumerate(COLUMNS.items())}


def users(body: Mapping[str, Any]) -> list[Any]:
    """The SCIM users in a report. A column that another entry has and this one has not is
    empty: RaaS leaves empty columns out. Raises ScimError 400."""
    entries = body.get("Report_Entry")
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise invalid_syntax("Report_Entry: a list of objects is expected.")
    named = dict.fromkeys(name for entry in entries for name in entry)
    columns = [name for name in named if _fold(name) not in _DROPPED]
    columns.sort(key=lambda name: _MEANT.get(_fold(name), (-1, ()))[0])
    return [_user(entry, columns) for entry in entries]


def _user(entry: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    user: dict[str, Any] = {WORKER: {}, ENTERPRISE: {}}
    others: dict[str, Any] = {}
    for name in columns:
        value = entry.get(name)
        _, path = _MEANT.get(_fold(name), (0, ()))
        if path:
            _say(user, path, _READING.get(path[-1], _plain)(value))
        else:
            others[name] = value
    number = user.get("externalId")
    user[WORKER]["workerId"] = user[ENTERPRISE]["employeeNumber"] = number
    worker = user[WORKER]
    if "active" in user and "hireDate" in worker:
        # Whoever says since when and that somebody works, and says no end, knows of none.
        for name in _ENDS:
            worker.setdefault(name, None)
    share = re.fullmatch(r"\s*(\d{1,3}(?:\.\d+)?)\s*%\s*", str(worker.get("fte")))
    if share:
        worker["fte"] = float(share[1]) / 100
    if others:
        user[REPORT] = others
    return user


def _say(user: dict[str, Any], path: Path, value: Any) -> None:
    head, *rest = path
    if not rest:
        if value is not None or head not in user:
            user[head] = value
        return
    (name,) = rest
    say = _SAYING.get(head, _member)
    say(user, head, name, value)


def _member(user: dict[str, Any], head: str, name: str, value: Any) -> None:
    holder = user.setdefault(head, {})
    if value is not None or name not in holder:
        holder[name] = {"value": value} if name == "manager" else value


def _typed(user: dict[str, Any], head: str, type: str, value: Any) -> None:
    items = user.setdefault(head, [])
    there = next((item for item in items if item["type"] == type), None)
    if there is None:
        items.append({"type": type, "value": value})
    elif value is not None:
        there["value"] = value


def _part(user: dict[str, Any], head: str, name: str, value: Any) -> None:
    (work,) = user.setdefault(head, [{"type": "work"}])
    work[name] = value


_SAYING: dict[str, Callable[[dict[str, Any], str, str, Any], None]] = {
    "emails": _typed,
    "phoneNumbers": _typed,
    "addresses": _part,
}


def _several(value: Any) -> Any:
    """The texts of a list of references; None for an empty one."""
    if not isinstance(value, list):
        return _plain(value)
    return [text for one in value if (text := _plain(one)) is not None] or None


def _assignments(value: Any) -> Any:
    """The jobs in a list of objects, or of references, whose text is the title; None without."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        columns = one if isinstance(one, dict) else {}
        job = {
            part: _plain(inner)
            for name, inner in columns.items()
            if (part := _OF_A_JOB.get(_fold(name)))
        }
        job = job or {"title": _plain(one)}
        if any(part is not None for part in job.values()):
            found.append({"type": "secondary", **job})
    return found or None


def _plain(value: Any) -> Any:
    """The text of a reference to an object, which a report may have in place of a text; None
    for what is empty."""
    if isinstance(value, list) and len(value) < 2:
        return _plain(value[0]) if value else None
    if isinstance(value, dict):
        folded = {key.lower(): inner for key, inner in value.items()}
        texts = (folded.get(name) for name in ("descriptor", "#text", "$", "value", "id"))
        return next((text for text in texts if isinstance(text, str) and text.strip()), None)
    if isinstance(value, str) and not value.strip():
        return None
    return value


_READING: dict[str, Callable[[Any], Any]] = {
    "provisioningGroups": _several,
    "additionalAssignments": _assignments,
}
"""How attributes are read that may have several values."""
