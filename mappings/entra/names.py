"""What Entra's attribute names are here: of the HR systems, of SCIM, of the directories.

An attribute of a source is a fact. Where a fact of ours says the same, it is used; else,
and where ours is written differently (a country in two letters), the imported mapping gets
one of its own, with the expression that finds it in a SCIM resource. Workday and
SuccessFactors have no SCIM paths in Entra; where HR's SCIM says what they call
`BusinessTitle` is what these tables know.
"""

from __future__ import annotations

from dataclasses import dataclass

WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True)
class Known:
    """A source attribute: the fact of ours that says the same, or how to find it."""

    fact: str | None = None
    expression: str | None = None


_WORK = '[addresses[type eq "work" or not (type pr)].{}]'
_ON = 'IIF(IsPresent([active]), IIF(CBool([active]), "1", "0"), )'


def _flag(attribute: str) -> Known:
    return Known(expression=f'IIF(CBool([worker:{attribute}]), "1", "0")')


def _raw(attribute: str) -> Known:
    """As HR sends it: Entra's rules read dates by a format."""
    return Known(expression=f"[worker:{attribute}]")


WORKDAY: dict[str, Known] = {
    "Active": Known(expression=_ON),
    "AddressLineData": Known("street"),
    "BusinessTitle": Known("title"),
    "Company": Known("company"),
    "ContingentWorkerID": _raw("workerId"),
    "ContractEndDate": _raw("contractEndDate"),
    "CostCenter": Known("costCenter"),
    "CountryReference": Known(expression=f'Country({_WORK.format("country")}, "alpha3")'),
    "CountryReferenceFriendly": Known(expression=f'Country({_WORK.format("country")}, "name")'),
    "CountryReferenceNumeric": Known(expression=f'Country({_WORK.format("country")}, "numeric")'),
    "CountryReferenceTwoLetter": Known("country"),
    "CountryRegionReference": Known("region"),
    "EmailAddress": Known("mail"),
    "EmployeeID": _raw("workerId"),
    "FacilityLocation": Known("location"),
    "Fax": Known("fax"),
    "FirstName": Known(expression="Coalesce([worker:legalGivenName], [name.givenName])"),
    "HereditarySuffix": Known("honorificSuffix"),
    "JobClassificationID": Known("jobCode"),
    "JobFamilyID": Known("jobFamily"),
    "LastName": Known(expression="Coalesce([worker:legalFamilyName], [name.familyName])"),
    "LeaveAbsenceType": _raw("leaveType"),
    "LocalReference": Known(expression="Coalesce([locale], [preferredLanguage])"),
    "LocationIdentifier": _raw("locationCode"),
    "ManagerReference": Known("manager"),
    "MiddleName": Known(expression="[name.middleName]"),
    "Mobile": Known("mobile"),
    "Municipality": Known("city"),
    "PositionID": Known("positionId"),
    "PositionTitle": Known(expression="[title]"),
    "PostalCode": Known("postalCode"),
    "PreferredFirstName": Known("givenName"),
    "PreferredLastName": Known("familyName"),
    "PreferredMiddleName": Known("middleName"),
    "PreferredNameData": Known("displayName"),
    "PrimaryWorkTelephone": Known("phone"),
    "StatusEndEmploymentDate": _raw("terminationDate"),
    "StatusHireDate": _raw("hireDate"),
    "StatusHireRescinded": _flag("hireRescinded"),
    "StatusOriginalHireDate": _raw("originalHireDate"),
    "StatusRehire": _flag("rehire"),
    "StatusRetired": _flag("retired"),
    "StatusTerminated": Known(
        expression='Switch(ToLower([worker:status]), "0", "terminated", "1")'
    ),
    "StatusTerminationDate": _raw("terminationDate"),
    "StatusTerminationInvoluntary": _flag("involuntary"),
    "StatusTerminationLastDayOfWork": _raw("lastDayOfWork"),
    "SupervisoryOrganization": Known(
        expression="Coalesce([worker:supervisoryOrganization], [enterprise:department])"
    ),
    "UserID": Known("loginName"),
    "WorkerID": Known("workerId"),
    "WorkerType": Known(expression="Coalesce([worker:workerType], [userType])"),
    "WorkSpaceReference": Known("office"),
}

SUCCESSFACTORS: dict[str, Known] = {
    "activeEmploymentsCount": Known(expression=_ON),
    "addressLine1": Known("street"),
    "businessPhone": Known("phone"),
    "businessUnit": Known("businessUnit"),
    "cellPhone": Known("mobile"),
    "city": Known("city"),
    "company": Known("company"),
    "companyId": Known("companyCode"),
    "costCenter": Known("costCenter"),
    "costCenterId": _raw("costCenterCode"),
    "country": Known(expression=f'Country({_WORK.format("country")}, "name")'),
    "department": Known("department"),
    "displayName": Known("displayName"),
    "division": Known("division"),
    "emailAddress": Known("mail"),
    "empId": Known(expression="[enterprise:employeeNumber]"),
    "emplStatus": Known(
        expression='Switch(ToLower([worker:status]), , "active", "A", "onleave", "U", '
        '"terminated", "T", "retired", "R")'
    ),
    "endDate": _raw("contractEndDate"),
    "firstDateWorked": _raw("originalHireDate"),
    "firstName": Known("givenName"),
    "isContingentWorker": Known(
        expression='Switch(ToLower(Coalesce([worker:workerType], [userType])), "False", '
        '"contingent", "True", "contractor", "True", "external", "True")'
    ),
    "jobCode": Known("jobCode"),
    "jobFamily": Known("jobFamily"),
    "jobTitle": Known("title"),
    "lastDateWorked": _raw("lastDayOfWork"),
    "lastName": Known("familyName"),
    "latestTerminationDate": _raw("terminationDate"),
    "LocationName": Known("location"),
    "managerId": Known("manager"),
    "middleName": Known("middleName"),
    "nickname": Known("nickName"),
    "officeLocationAddress": Known(expression=_WORK.format("streetAddress")),
    "officeLocationCity": Known(expression=_WORK.format("locality")),
    "officeLocationZipCode": Known(expression=_WORK.format("postalCode")),
    "perPersonUuid": Known(expression="[sf:perPersonUuid]"),
    "personIdExternal": Known("workerId"),
    "preferredName": Known(expression="[nickName]"),
    "startDate": _raw("hireDate"),
    "state": Known("region"),
    "timeZone": Known("timezone"),
    "twoCharCountryCode": Known("country"),
    "userId": Known(expression="[externalId]"),
    "username": Known("loginName"),
    "zipCode": Known("postalCode"),
    **{
        f"custom{n:02}": Known(expression=f'[sf:customFields[type eq "custom{n:02}"].value]')
        for n in range(1, 16)
    },
}

SCIM: dict[str, Known] = {
    "active": Known("active"),
    'addresses[type eq "work"].locality': Known("city"),
    'addresses[type eq "work"].postalCode': Known("postalCode"),
    'addresses[type eq "work"].region': Known("region"),
    'addresses[type eq "work"].streetAddress': Known("street"),
    "displayName": Known("displayName"),
    "name.familyName": Known("familyName"),
    "name.givenName": Known("givenName"),
    "name.honorificPrefix": Known("honorificPrefix"),
    "name.honorificSuffix": Known("honorificSuffix"),
    "name.middleName": Known("middleName"),
    "nickName": Known("nickName"),
    'phoneNumbers[type eq "fax"].value': Known("fax"),
    'phoneNumbers[type eq "mobile"].value': Known("mobile"),
    'phoneNumbers[type eq "work"].value': Known("phone"),
    "timezone": Known("timezone"),
    "title": Known("title"),
    "userName": Known("loginName"),
    f"{ENTERPRISE}:costCenter": Known("costCenter"),
    f"{ENTERPRISE}:department": Known("department"),
    f"{ENTERPRISE}:division": Known("division"),
    f"{ENTERPRISE}:employeeNumber": Known("employeeNumber"),
    f"{ENTERPRISE}:manager": Known("manager"),
    f"{ENTERPRISE}:manager.value": Known("manager"),
    f"{ENTERPRISE}:organization": Known("company"),
}

CHANGED = {
    "mail": "an address that is not well-formed is left out",
    "displayName": "falls back to the formatted name and to given and family name",
    "phone": "tel: is cut off, and a number without a type counts as work",
    "mobile": "tel: is cut off",
    "fax": "tel: is cut off",
    "workerId": "the employee number and the external id stand in",
    "company": "the worker extension's company comes first",
    "department": "the supervisory organization stands in",
    "costCenter": "the worker extension's code comes first",
}
"""Facts of ours that read more than Entra does, and what they make of it."""


@dataclass(frozen=True)
class SourceKind:
    """An HR system as Entra knows it: our inbound mapping, its attributes, the unknown ones."""

    mapping: str
    directory: str
    known: dict[str, Known]
    unknown_urn: str | None
    """Where HR's SCIM is expected to say an attribute that no table has; None: it is a path."""


SOURCES = (
    SourceKind("workday", "Workday", WORKDAY, "urn:muster:scim:schemas:extension:workday:1.0:User"),
    SourceKind(
        "successfactors",
        "SuccessFactors",
        SUCCESSFACTORS,
        "urn:muster:scim:schemas:extension:successfactors:1.0:User",
    ),
    SourceKind("generic", "API", SCIM, None),
)

GRAPH = {
    "telephoneNumber": "businessPhones",
    "physicalDeliveryOfficeName": "officeLocation",
    "mobile": "mobilePhone",
    "facsimileTelephoneNumber": "faxNumber",
    **{
        f"extensionAttribute{n}": f"onPremisesExtensionAttributes.extensionAttribute{n}"
        for n in range(1, 16)
    },
}
"""Attributes of Entra's own directory in a schema -> what Graph calls them."""
