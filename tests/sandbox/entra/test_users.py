"""Users over plain HTTP: what Graph takes, and its noes word for word."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.entra import SandboxEntra
from tests.sandbox.entra.conftest import Client, said, user

NOBODY = "00000000-0000-4000-8000-000000000000"
CONFLICT = "Another object with the same value for property {} already exists."


def put_manager(client: Client, of: str, boss: str) -> int:
    url = f"{client.settings['graph']}/users/{boss}"
    return client("PUT", f"/users/{of}/manager/$ref", {"@odata.id": url}).status_code


def test_a_create_answers_with_the_default_properties(client: Client) -> None:
    answer = client("POST", "/users", user(department="Deck", employeeId="1001"))
    assert answer.status_code == 201
    shown = answer.json()
    assert set(shown) == {
        "@odata.context",
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    }
    assert shown["@odata.context"].endswith("/v1.0/$metadata#users/$entity")
    assert answer.headers["Location"].endswith(f"/v1.0/users/{shown['id']}")
    assert answer.headers["request-id"]
    more = client.get(
        f"/users/{shown['id']}", select="department,employeeId,userType,accountEnabled"
    )
    assert more.pop("@odata.context")
    assert more == {
        "department": "Deck",
        "employeeId": "1001",
        "userType": "Member",
        "accountEnabled": True,
    }


def test_read_by_id_and_by_name_in_any_case(client: Client) -> None:
    made = client.user()
    for key in (made["id"], made["id"].upper(), "ANN.Berg@norhaven.example"):
        assert client.get(f"/users/{key}")["id"] == made["id"]


@pytest.mark.parametrize("key", [NOBODY, "no.one@norhaven.example", "nonsense"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_nobody_is_a_404(client: Client, method: str, key: str) -> None:
    body = {"jobTitle": "Pilot"} if method == "PATCH" else None
    assert said(client(method, f"/users/{key}", body)) == (
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are "
        "not present.",
    )


@pytest.mark.parametrize(
    "name",
    ["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"],
)
def test_what_a_create_needs(client: Client, name: str) -> None:
    answer = client("POST", "/users", user(**{name: ...}))
    assert said(answer) == (
        400,
        "Request_BadRequest",
        f"A value is required for property '{name}' of resource 'User'.",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mailNickname", "ann berg"),
        ("mailNickname", "ånn"),
        ("mailNickname", "a" * 65),
        ("mailNickname", ""),
        ("displayName", ""),
        ("displayName", "x" * 257),
        ("department", "x" * 65),
        ("givenName", ""),
        ("jobTitle", "x" * 129),
        ("postalCode", "1" * 41),
        ("streetAddress", "x" * 1025),
        ("employeeId", "1" * 17),
        ("mobilePhone", "1" * 65),
        ("businessPhones", ["+47 1", "+47 2"]),
        ("otherMails", ["ånn@norhaven.example"]),
        ("usageLocation", "Norway"),
        ("preferredLanguage", "norwegian_"),
        ("mail", "not an address"),
        ("userType", "Robot"),
        ("passwordPolicies", "NoPolicy"),
        ("onPremisesExtensionAttributes", {"extensionAttribute1": "x" * 1025}),
        ("onPremisesExtensionAttributes", {"extensionAttribute2": ""}),
        ("employeeOrgData", {"division": "", "costCenter": "1"}),
    ],
)
def test_invalid_values(client: Client, name: str, value: Any) -> None:
    said_so = (
        400,
        "Request_BadRequest",
        f"Invalid value specified for property '{name}' of resource 'User'.",
    )
    assert said(client("POST", "/users", user(**{name: value}))) == said_so
    made = client.user()
    assert said(client("PATCH", f"/users/{made['id']}", {name: value})) == said_so


@pytest.mark.parametrize(
    "name", ["displayName", "mailNickname", "accountEnabled", "usageLocation", "userPrincipalName"]
)
def test_what_cannot_be_cleared(client: Client, name: str) -> None:
    made = client.user()
    assert said(client("PATCH", f"/users/{made['id']}", {name: None})) == (
        400,
        "Request_BadRequest",
        f"Invalid value specified for property '{name}' of resource 'User'.",
    )


@pytest.mark.parametrize(
    "upn",
    [
        "ånn@norhaven.example",
        "ann berg@norhaven.example",
        "ann.@norhaven.example",
        "a" * 65 + "@norhaven.example",
        "ann",
        "@norhaven.example",
        "a+b@norhaven.example",
    ],
)
def test_invalid_user_names(client: Client, upn: str) -> None:
    answer = client("POST", "/users", user(userPrincipalName=upn))
    assert said(answer) == (400, "Request_BadRequest", "Property userPrincipalName is invalid.")
    assert answer.json()["error"]["details"] == [
        {
            "code": "InvalidValue",
            "message": "Property userPrincipalName is invalid.",
            "target": "userPrincipalName",
        }
    ]


def test_the_domain_must_be_verified(client: Client) -> None:
    answer = client("POST", "/users", user(userPrincipalName="ann@elsewhere.example"))
    assert said(answer) == (
        400,
        "Request_BadRequest",
        "The domain portion of the userPrincipalName property is invalid. You must use one of the "
        "verified domain names in your organization.",
    )


@pytest.mark.parametrize("password", ["short1A", "onlysmallletters", "Only letters no", "A1" * 129])
def test_weak_passwords(client: Client, password: str) -> None:
    weak = (
        400,
        "Request_BadRequest",
        "The specified password does not comply with password complexity requirements. "
        "Please provide a different password.",
    )
    profile = {"passwordProfile": {"password": password}}
    expected_ok = password == "Only letters no"  # upper, lower and a blank: three classes
    answer = client("POST", "/users", user(**profile))
    if expected_ok:
        assert answer.status_code == 201
    else:
        assert said(answer) == weak
        made = client.user()
        assert said(client("PATCH", f"/users/{made['id']}", profile)) == weak


def test_a_password_is_never_shown_nor_stored(client: Client, sandbox: SandboxEntra) -> None:
    made = client.user()
    shown = client.get(f"/users/{made['id']}", select="passwordProfile,lastPasswordChangeDateTime")
    assert shown["passwordProfile"] == {"password": None, "forceChangePasswordNextSignIn": True}
    assert "Fjord" not in str(sandbox.dump())


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"mobile_phone": "1"}, "Request_BadRequest", "Property 'mobile_phone' does not exist"),
        ({"manager": {"id": NOBODY}}, "Request_BadRequest", "Property 'manager' does not exist"),
        ({"accountEnabled": "true"}, "Request_BadRequest", "expected type 'Edm.Boolean'"),
        ({"accountEnabled": 1}, "Request_BadRequest", "expected type 'Edm.Boolean'"),
        ({"deviceEnrollmentLimit": True}, "Request_BadRequest", "expected type 'Edm.Int32'"),
        ({"jobTitle": 7}, "Request_BadRequest", "expected type 'Edm.String'"),
        ({"jobTitle": ["a"]}, "Request_BadRequest", "expected type 'Edm.String'"),
        ({"employeeHireDate": "2026-03-16"}, "Request_BadRequest", "'Edm.DateTimeOffset'"),
        ({"employeeHireDate": "2026-03-16T00:00:00"}, "Request_BadRequest", "'Edm.DateTimeOffset'"),
        ({"employeeHireDate": "soon"}, "Request_BadRequest", "'Edm.DateTimeOffset'"),
        ({"businessPhones": None}, "BadRequest", "does not allow null values"),
        ({"businessPhones": "+47"}, "BadRequest", "A 'StartArray' node was expected."),
        ({"businessPhones": [None]}, "Request_BadRequest", "A null value was detected"),
        ({"employeeOrgData": "Deck"}, "BadRequest", "A 'StartObject' node was expected."),
        ({"employeeOrgData": {"div": "x"}}, "BadRequest", "microsoft.graph.employeeOrgData"),
        ([], "BadRequest", "A 'StartObject' node was expected."),
    ],
)
def test_bodies_are_checked_against_the_sdks_types(
    client: Client, body: Any, code: str, text: str
) -> None:
    made = client.user()
    answer = client("PATCH", f"/users/{made['id']}", body)
    status, said_code, message = said(answer)
    assert (status, said_code) == (400, code)
    assert text in message


@pytest.mark.parametrize("name", ["onPremisesSyncEnabled", "id", "proxyAddresses"])
def test_read_only_properties(client: Client, name: str) -> None:
    value = {"onPremisesSyncEnabled": True, "id": NOBODY, "proxyAddresses": []}[name]
    answer = client("POST", "/users", user(**{name: value}))
    assert said(answer) == (
        400,
        "Request_BadRequest",
        f"Property '{name}' is read-only and cannot be set.",
    )


@pytest.mark.parametrize(
    "raw", [b"{", b"\xff\xfe", b'{"jobTitle": NaN}', b'{"jobTitle": "\\ud800"}', b"[" * 100_000]
)
def test_a_body_that_is_no_json(client: Client, raw: bytes) -> None:
    made = client.user()
    headers = {"Content-Type": "application/json"}
    answer = client("PATCH", f"/users/{made['id']}", data=raw, headers=headers)
    status, code, message = said(answer)
    assert (status, code) == (400, "BadRequest")
    assert message.startswith("Unable to read JSON request payload.")


def test_a_write_without_a_body(client: Client) -> None:
    assert said(client("POST", "/users")) == (
        400,
        "BadRequest",
        "Empty Payload. JSON content expected.",
    )


def test_one_user_name_one_user(client: Client) -> None:
    client.user()
    answer = client("POST", "/users", user(userPrincipalName="Ann.BERG@norhaven.example"))
    message = CONFLICT.format("userPrincipalName")
    assert said(answer) == (400, "Request_BadRequest", message)
    assert answer.json()["error"]["details"] == [
        {"code": "ObjectConflict", "message": message, "target": "userPrincipalName"}
    ]
    other = client.user("bo.lind")
    renamed = client(
        "PATCH", f"/users/{other['id']}", {"userPrincipalName": "ann.berg@norhaven.example"}
    )
    assert said(renamed) == (400, "Request_BadRequest", message)


def test_one_address_one_holder_group_or_user(client: Client) -> None:
    ann = client.user(mail="deck@norhaven.example")
    message = CONFLICT.format("proxyAddresses")
    answer = client("POST", "/users", user("bo.lind", mail="Deck@norhaven.example"))
    assert said(answer) == (400, "Request_BadRequest", message)
    assert answer.json()["error"]["details"] == [
        {"code": "ObjectConflict", "message": message, "target": "proxyAddresses"},
        {"code": "ConflictingObjects", "message": message, "target": f"User_{ann['id']}"},
    ]
    group = {
        "displayName": "Deck",
        "mailNickname": "deck",
        "mailEnabled": True,
        "securityEnabled": False,
        "groupTypes": ["Unified"],
    }
    assert said(client("POST", "/groups", group)) == (400, "Request_BadRequest", message)


def test_one_immutable_id_one_user(client: Client) -> None:
    client.user(onPremisesImmutableId="q83vEjRWeJA=")
    answer = client("POST", "/users", user("bo.lind", onPremisesImmutableId="q83vEjRWeJA="))
    message = CONFLICT.format("onPremisesImmutableId")
    assert said(answer) == (400, "Request_BadRequest", message)


def test_patch_writes_clears_and_keeps(client: Client) -> None:
    made = client.user(jobTitle="Mate", department="Deck", businessPhones=["+47 1"])
    patch = {"jobTitle": None, "city": "Tromsø", "businessPhones": []}
    answer = client("PATCH", f"/users/{made['id']}", patch)
    assert (answer.status_code, answer.content) == (204, b"")
    shown = client.get(f"/users/{made['id']}", select="jobTitle,city,department,businessPhones")
    assert shown.pop("@odata.context")
    assert shown == {"jobTitle": None, "city": "Tromsø", "department": "Deck", "businessPhones": []}


def test_complex_values_merge_or_are_replaced_as_in_entra(client: Client) -> None:
    made = client.user(
        employeeOrgData={"division": "North", "costCenter": "42"},
        onPremisesExtensionAttributes={"extensionAttribute1": "a", "extensionAttribute2": "b"},
    )
    patch = {
        "employeeOrgData": {"division": "South"},
        "onPremisesExtensionAttributes": {"extensionAttribute2": None, "extensionAttribute3": "c"},
    }
    assert client("PATCH", f"/users/{made['id']}", patch).status_code == 204
    shown = client.get(
        f"/users/{made['id']}", select="employeeOrgData,onPremisesExtensionAttributes"
    )
    assert shown["employeeOrgData"] == {"division": "South", "costCenter": None}
    own = {k: v for k, v in shown["onPremisesExtensionAttributes"].items() if v is not None}
    assert own == {"extensionAttribute1": "a", "extensionAttribute3": "c"}
    assert len(shown["onPremisesExtensionAttributes"]) == 15


def test_instants_are_shown_in_utc(client: Client) -> None:
    made = client.user(employeeHireDate="2026-03-16T01:00:00+01:00")
    assert client.get(f"/users/{made['id']}", select="employeeHireDate")["employeeHireDate"] == (
        "2026-03-16T00:00:00Z"
    )


def test_a_directory_extension_is_a_flat_property(client: Client) -> None:
    name = "extension_0123456789abcdef0123456789abcdef_shoeSize"
    made = client.user(**{name: "42"})
    assert client.get(f"/users/{made['id']}", select=name)[name] == "42"
    found = client.get("/users", filter=f"{name} eq '42'")["value"]
    assert [u["id"] for u in found] == [made["id"]]
    assert client("PATCH", f"/users/{made['id']}", {name: None}).status_code == 204
    assert client.get(f"/users/{made['id']}", select=name)[name] is None


def test_mail_becomes_the_primary_address_and_the_old_one_an_alias(client: Client) -> None:
    made = client.user(mail="ann.berg@norhaven.example")
    client("PATCH", f"/users/{made['id']}", {"mail": "ann.dahl@norhaven.example"})
    shown = client.get(f"/users/{made['id']}", select="mail,proxyAddresses")
    assert shown["mail"] == "ann.dahl@norhaven.example"
    assert shown["proxyAddresses"] == [
        "SMTP:ann.dahl@norhaven.example",
        "smtp:ann.berg@norhaven.example",
    ]


def test_manager(client: Client) -> None:
    ann, bo = client.user()["id"], client.user("bo.lind", jobTitle="Master")["id"]
    missing = (
        404,
        "Request_ResourceNotFound",
        "Resource 'manager' does not exist or one of its queried reference-property objects are "
        "not present.",
    )
    assert said(client("GET", f"/users/{ann}/manager")) == missing
    assert said(client("DELETE", f"/users/{ann}/manager/$ref")) == missing
    assert put_manager(client, ann, bo) == 204
    assert put_manager(client, ann, bo) == 204
    assert put_manager(client, ann, "bo.lind@norhaven.example") == 204
    shown = client.get(f"/users/{ann}/manager", select="id,jobTitle")
    assert (shown["@odata.type"], shown["id"], shown["jobTitle"]) == (
        "#microsoft.graph.user",
        bo,
        "Master",
    )
    assert bo in client.get(f"/users/{ann}/manager/$ref")["@odata.id"]
    expanded = client.get(f"/users/{ann}", select="id", expand="manager($select=id)")
    assert expanded["manager"] == {"@odata.type": "#microsoft.graph.user", "id": bo}
    assert [u["id"] for u in client.get(f"/users/{bo}/directReports")["value"]] == [ann]
    assert client("DELETE", f"/users/{ann}/manager/$ref").status_code == 204
    assert said(client("GET", f"/users/{ann}/manager")) == missing
    assert "manager" not in client.get(f"/users/{ann}", expand="manager")


def test_a_manager_who_is_not_there(client: Client) -> None:
    ann = client.user()["id"]
    answer = client(
        "PUT",
        f"/users/{ann}/manager/$ref",
        {"@odata.id": f"{client.settings['graph']}/users/{NOBODY}"},
    )
    assert said(answer)[:2] == (404, "Request_ResourceNotFound")
    for body in ({"@odata.id": NOBODY}, {"@odata.id": None}, {}, [], {"@odata.id": 7}):
        assert said(client("PUT", f"/users/{ann}/manager/$ref", body))[:2] == (
            400,
            "Request_BadRequest",
        )


def test_a_deleted_manager_is_no_manager(client: Client) -> None:
    ann, bo = client.user()["id"], client.user("bo.lind")["id"]
    put_manager(client, ann, bo)
    client("DELETE", f"/users/{bo}")
    assert client("GET", f"/users/{ann}/manager").status_code == 404
    client("POST", f"/directory/deletedItems/{bo}/restore")
    assert client.get(f"/users/{ann}/manager")["id"] == bo


def test_ended_sessions_leave_a_stamp(client: Client) -> None:
    made = client.user()["id"]
    answer = client("POST", f"/users/{made}/revokeSignInSessions")
    assert (answer.status_code, answer.json()["value"]) == (200, True)
    assert client.get(f"/users/{made}", select="signInSessionsValidFromDateTime")[
        "signInSessionsValidFromDateTime"
    ]


def test_synced_users_are_ads(client: Client, sandbox: SandboxEntra) -> None:
    name = "ann.berg@norhaven.example"
    sandbox.put([{"userPrincipalName": name, "onPremisesSyncEnabled": True}])
    boss = client.user("bo.lind")["id"]
    refused = (
        400,
        "Request_BadRequest",
        "Unable to update the specified properties for on-premises mastered Directory Sync objects "
        "or objects currently undergoing migration.",
    )
    for body in (
        {"jobTitle": "Mate"},
        {"accountEnabled": False},
        {"usageLocation": "NO", "city": "Bø"},
    ):
        assert said(client("PATCH", f"/users/{name}", body)) == refused
    reference = {"@odata.id": f"{client.settings['graph']}/users/{boss}"}
    assert said(client("PUT", f"/users/{name}/manager/$ref", reference)) == refused
    assert client("PATCH", f"/users/{name}", {"usageLocation": "NO"}).status_code == 204
    assert client("POST", f"/users/{name}/revokeSignInSessions").status_code == 200


def test_once_synced_users_keep_their_extension_attributes(
    client: Client, sandbox: SandboxEntra
) -> None:
    name = "ann.berg@norhaven.example"
    sandbox.put([{"userPrincipalName": name, "onPremisesSyncEnabled": False}])
    body = {"onPremisesExtensionAttributes": {"extensionAttribute1": "x"}}
    assert said(client("PATCH", f"/users/{name}", body)) == (
        400,
        "Request_BadRequest",
        "Unable to update the specified properties for objects that have originated within an "
        "external service.",
    )
    assert client("PATCH", f"/users/{name}", {"jobTitle": "Mate"}).status_code == 204


def test_administrators_are_out_of_reach(client: Client, sandbox: SandboxEntra) -> None:
    name = "root@norhaven.example"
    sandbox.put([{"userPrincipalName": name, "roles": ["Global Administrator"]}])
    denied = (
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )
    assert said(client("PATCH", f"/users/{name}", {"accountEnabled": False})) == denied
    assert said(client("DELETE", f"/users/{name}")) == denied
    assert client("PATCH", f"/users/{name}", {"jobTitle": "Purser"}).status_code == 204
    roles = client.get(f"/users/{name}/memberOf")["value"]
    assert [(r["@odata.type"], r["displayName"]) for r in roles] == [
        ("#microsoft.graph.directoryRole", "Global Administrator")
    ]


def test_a_permission_for_one_bit(client: Client, sandbox: SandboxEntra) -> None:
    made = client.user()["id"]
    sandbox.configure(roles=frozenset({"User.EnableDisableAccount.All", "User.Read.All"}))
    client.sign_in()
    assert client("PATCH", f"/users/{made}", {"accountEnabled": False}).status_code == 204
    assert client("PATCH", f"/users/{made}", {"jobTitle": "Mate"}).status_code == 403
    assert client("POST", "/users", user("bo.lind")).status_code == 403


def test_the_leave_date_has_a_permission_of_its_own(client: Client, sandbox: SandboxEntra) -> None:
    sandbox.configure(roles=frozenset({"User.ReadWrite.All"}))
    client.sign_in()
    made = client.user()["id"]
    body = {"employeeLeaveDateTime": "2026-12-31T23:00:00Z"}
    assert client("PATCH", f"/users/{made}", body).status_code == 403
    assert client("GET", f"/users/{made}?$select=employeeLeaveDateTime").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/planets", 400, "Resource not found for the segment 'planets'."),
        ("GET", "/users/x/mailFolders", 400, "Resource not found for the segment 'mailFolders'."),
        ("GET", "/v1.0/users", 400, "Resource not found for the segment 'v1.0'."),
        ("PUT", "/users", 405, "Specified HTTP method is not allowed for the request target."),
        ("HEAD", "/users", 405, ""),
    ],
)
def test_paths_that_are_not_there(
    client: Client, method: str, path: str, status: int, text: str
) -> None:
    answer = client(method, path)
    assert answer.status_code == status
    assert text in answer.text
