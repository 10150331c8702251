"""Over HTTP: who may call, what bodies may be, and that every refusal is SCIM's."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy.exc import OperationalError

from scim.discovery import Limits
from store import credentials
from tests.scim.conftest import (
    BASE,
    CORE,
    ENTERPRISE,
    PATCH_OP,
    WORKER,
    Client,
    Server,
    accepted,
    check_answer,
    refused,
)

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LARGEST = Limits().max_payload


class TestAuthentication:
    """RFC 6750, RFC 7644 section 2."""

    def ask(self, server: Server, **headers: str) -> Any:
        answer = server.app.test_client().get("/scim/v2/Users", headers=headers)
        check_answer(answer)
        return answer

    def test_without_a_token(self, server: Server) -> None:
        answer = self.ask(server)
        refused(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="Muster SCIM", Basic')

    def test_whatever_is_wrong_the_answer_is_the_same(self, server: Server) -> None:
        token = server.client().token
        expired = credentials.create(server.db, "workday", 0.0, expires=1.0)
        revoked = credentials.create(server.db, "workday", 0.0)
        with server.db.read() as conn:
            found = credentials.find(conn, revoked, 1.0)
        assert found is not None
        credentials.revoke(server.db, found.id, 2.0)
        answers = [
            self.ask(server, Authorization=header)
            for header in (
                f"Bearer {expired}",
                f"Bearer {revoked}",
                f"Bearer {token}x",
                f"Bearer {token} b c",
                f"Bearer {token}, Bearer {token}",
                token,
                "Bearer",
                "Bearer ",
                "Bearer muster_workday_\xff",
                "Bearer " + "x" * 100_000,
            )
        ]
        assert {(a.status_code, a.data) for a in answers} == {(401, answers[0].data)}
        assert {a.headers["WWW-Authenticate"] for a in answers} == {
            'Bearer realm="Muster SCIM", error="invalid_token"'
        }

    def test_the_scheme_is_read_in_any_case(self, server: Server) -> None:
        assert self.ask(server, Authorization=f"bEARER {server.client().token}").status_code == 200

    def test_everything_asks_for_a_token(self, server: Server) -> None:
        http = server.app.test_client()
        for path in ("Users", "Users/x", "ServiceProviderConfig", "Schemas", "nothing", "Bulk"):
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
                if (path, method) != ("ServiceProviderConfig", "GET"):
                    refused(http.open(f"/scim/v2/{path}", method=method), 401)

    def test_how_to_authenticate_can_be_read_by_everybody(self, server: Server) -> None:
        """RFC 7643 section 5; but a wrong credential is wrong there too."""
        http, where = server.app.test_client(), "/scim/v2/ServiceProviderConfig"
        body = accepted(http.get(where))
        assert {one["type"] for one in body["authenticationSchemes"]} > {"oauthbearertoken"}
        assert body == accepted(server.client("other", "strict").get("/ServiceProviderConfig"))
        assert http.head(where).status_code == 200
        refused(http.get(f"{where}?filter=id%20pr"), 403)
        refused(self.ask(server, Authorization="Bearer wrong"), 401)
        assert http.get(where, headers={"Authorization": "Bearer wrong"}).status_code == 401

    def test_a_token_has_its_own_profile_or_that_of_its_source(self, server: Server) -> None:
        configured = server.client("workday", "")  # configured as hr
        assert configured.send("POST", "/Users", {"externalId": "E1"}).status_code == 201
        own = server.client("workday", "strict")
        assert own.send("POST", "/Users", {"externalId": "E2"}).status_code == 400
        stranger = server.client("other", "")
        assert stranger.send("POST", "/Users", {"externalId": "E1"}).status_code == 201
        lost = server.client("other", "of another version")
        assert lost.send("POST", "/Users", {"externalId": "E2"}).status_code == 400

    def test_no_token_is_logged(self, server: Server, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        self.ask(server, Authorization="Bearer muster_workday_wrong-secret")
        server.client().get("/Users")
        assert "muster_workday" not in caplog.text


class TestAddresses:
    def test_unknown_addresses(self, hr: Client) -> None:
        for path in ("/Userz", "/Users/x/y", "/Schemas/a/b", "/.search/x", "/x/Users"):
            refused(hr.get(path), 404)

    def test_a_base_with_a_slash_at_its_end(self, hr: Client) -> None:
        for path in ("//Users", "/Users/", "//Users//"):
            assert hr.get(path).get_json(force=True)["totalResults"] == 0

    def test_other_versions_of_scim(self, server: Server) -> None:
        http = server.app.test_client()
        for path in ("/scim", "/scim/v1/Users", "/scim/v22"):
            answer = http.get(path)
            check_answer(answer)
            refused(answer, 404)

    def test_other_pages_are_not_ours(self, server: Server) -> None:
        assert server.app.test_client().get("/scimitar").mimetype == "text/html"

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/Users", {"GET", "HEAD", "POST"}),
            ("/Users/x", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
            ("/Users/.search", {"POST"}),
            ("/Schemas", {"GET", "HEAD"}),
            (f"/Schemas/{CORE}", {"GET", "HEAD"}),
            ("/ResourceTypes/User", {"GET", "HEAD"}),
            ("/ServiceProviderConfig", {"GET", "HEAD"}),
        ],
    )
    def test_other_methods(self, hr: Client, path: str, allowed: set[str]) -> None:
        methods = {"GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"}
        for method in methods - allowed:
            answer = hr.send(method, path)
            refused(answer, 405)
            assert set(answer.headers["Allow"].split(", ")) == {*allowed, "OPTIONS"}
        answer = hr.send("OPTIONS", path)
        assert answer.status_code == 204
        assert set(answer.headers["Allow"].split(", ")) == {*allowed, "OPTIONS"}

    def test_addresses_are_exact_unless_the_profile_says_otherwise(
        self, hr: Client, strict: Client
    ) -> None:
        assert hr.get("/users").status_code == 200
        refused(strict.get("/users"), 404)

    def test_a_suffix_names_the_format(self, strict: Client) -> None:
        """RFC 7644 section 3.8."""
        made = strict.create(userName="a")
        assert strict.get(f"/Users/{made['id']}.scim").get_json(force=True) == made


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "scim_type", "words"),
        [
            (b"", "invalidSyntax", "empty"),
            (b" \n", "invalidSyntax", "empty"),
            (b'{"userName":"a",\n "active": tru}', "invalidSyntax", "line 2 column 12"),
            (b'{"userName":"a"', "invalidSyntax", "line 1 column"),
            (b'{"userName":"a"}}', "invalidSyntax", "Extra data"),
            (b"[]", "invalidSyntax", "not an object"),
            (b'"x"', "invalidSyntax", "not an object"),
            (b"null", "invalidSyntax", "not an object"),
            (b'{"a":"\xff"}', "invalidSyntax", "byte 6"),
            (b'{"userName":"a","userName":"b"}', "invalidSyntax", "twice"),
            (b'{"userName":"a","USERNAME":"b"}', "invalidSyntax", "twice"),
            (b'{"name":{"givenName":"a","givenname":"b"}}', "invalidSyntax", "twice"),
            (b'{"userName":NaN}', "invalidSyntax", "NaN"),
            (b'{"userName":-Infinity}', "invalidSyntax", "Infinity"),
            (b'{"x":1e999}', "invalidValue", "range"),
            (b'{"x":9223372036854775808}', "invalidValue", "range"),
            (b'{"x":' + b"9" * 5000 + b"}", "invalidValue", "digits"),
            (b'{"userName":"a\\u0000"}', "invalidValue", "NUL"),
            (b'{"a\\u0000":1}', "invalidValue", "NUL"),
            (b'{"userName":"\\ud800"}', "invalidValue", "surrogate"),
            (b'{"userName":"a\nb"}', "invalidSyntax", "control"),
            (b'{"x":' + b"[" * 40 + b"]" * 40 + b"}", "invalidSyntax", "deeper"),
            (b'{"x":' + b"[" * 200_000, "invalidSyntax", "deeper"),
            (b'{"x":' * 100_000, "invalidSyntax", "deeper"),
        ],
    )
    def test_what_is_no_message(self, hr: Client, body: bytes, scim_type: str, words: str) -> None:
        made = hr.create(userName="x")
        for method, path in (("POST", "/Users"), ("PUT", f"/Users/{made['id']}")):
            assert words in refused(hr.send(method, path, body), 400, scim_type)
        hr.send("PATCH", f"/Users/{made['id']}", body)
        assert hr.get("/Users").get_json(force=True)["Resources"] == [made]

    def test_a_byte_order_mark_is_no_fault(self, hr: Client) -> None:
        assert hr.send("POST", "/Users", b'\xef\xbb\xbf{"userName":"a"}').status_code == 201

    def test_the_largest_body(self, hr: Client) -> None:
        room = LARGEST - len('{"userName":"a","title":""}')
        fits = json.dumps({"userName": "a", "title": "x" * room}, separators=(",", ":"))
        assert len(fits) == LARGEST
        assert hr.send("POST", "/Users", fits).status_code == 201
        refused(hr.send("POST", "/Users", fits + " "), 413)

    def test_a_large_body_that_does_not_say_its_length(self, server: Server, hr: Client) -> None:
        answer = server.app.test_client().post(
            "/scim/v2/Users",
            input_stream=io.BytesIO(b"{" + b" " * LARGEST + b"}"),
            headers={
                "Authorization": f"Bearer {hr.token}",
                "Transfer-Encoding": "chunked",
                "Content-Type": "application/json",
            },
            environ_overrides={"wsgi.input_terminated": True},
        )
        refused(answer, 413)

    @pytest.mark.parametrize(
        "kind",
        ["application/scim+json", "application/json", "application/scim+json; charset=UTF-8", ""],
    )
    def test_kinds_of_content(self, hr: Client, kind: str) -> None:
        answer = hr.send("POST", "/Users", {"userName": "a"}, {"Content-Type": kind})
        assert answer.status_code == 201

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Type": "text/xml"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Content-Type": "application/json; charset=latin-1"},
            {"Content-Encoding": "gzip"},
        ],
    )
    def test_other_kinds_of_content(self, hr: Client, headers: dict[str, str]) -> None:
        refused(hr.send("POST", "/Users", {"userName": "a"}, headers), 415)

    def test_keys_have_a_length(self, hr: Client) -> None:
        for key in ("userName", "externalId"):
            assert hr.send("POST", "/Users", {key: "é" * 500}).status_code == 201
            detail = refused(hr.send("POST", "/Users", {key: "é" * 501}), 400, "invalidValue")
            assert key in detail


class TestFaults:
    def test_a_fault_of_ours_shows_and_logs_nothing_personal(
        self, server: Server, hr: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.listener.error = KeyError("wiebke.muellenbach")
        answer = hr.http.post(
            "/scim/v2/Users",
            json={"userName": "wiebke.muellenbach"},
            headers={"Authorization": f"Bearer {hr.token}"},
        )
        refused(answer, 500)
        assert "KeyError" in caplog.text
        assert "wiebke" not in caplog.text + answer.text
        server.listener.error = None
        assert hr.get("/Users").get_json(force=True)["totalResults"] == 0

    def test_a_busy_database_asks_to_try_again(self, server: Server, hr: Client) -> None:
        server.listener.error = OperationalError("INSERT", {}, Exception("database is locked"))
        answer = hr.send("POST", "/Users", {"userName": "a"})
        refused(answer, 429)
        assert int(answer.headers["Retry-After"]) > 0


class TestDiscovery:
    """RFC 7644 section 4."""

    def test_what_is_said_is_true(self, strict: Client) -> None:
        config = strict.get("/ServiceProviderConfig").get_json(force=True)
        assert (config["patch"], config["etag"]) == ({"supported": True}, {"supported": True})
        assert config["bulk"] == {
            "supported": True, "maxOperations": 1000, "maxPayloadSize": LARGEST
        }  # fmt: skip
        assert config["sort"] == {"supported": True}
        assert config["changePassword"] == {"supported": False}
        assert config["filter"] == {"supported": True, "maxResults": 1000}
        assert config["pagination"] == {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": 100,
            "maxPageSize": 1000,
            "cursorTimeout": 3600,
        }
        assert config["authenticationSchemes"][0]["type"] == "oauthbearertoken"
        assert config["meta"]["location"].endswith("/scim/v2/ServiceProviderConfig")

    @pytest.mark.parametrize("what", ["Schemas", "ResourceTypes"])
    def test_lists_and_their_members(self, strict: Client, what: str) -> None:
        found = strict.get(f"/{what}?count=1&attributes=id").get_json(force=True)
        assert found["totalResults"] == len(found["Resources"]) == found["itemsPerPage"] > 0
        for definition in found["Resources"]:
            name = definition["id"]
            assert strict.get(f"/{what}/{name}").get_json(force=True) == definition
            assert definition["meta"]["location"].endswith(f"/scim/v2/{what}/{name}")
        refused(strict.get(f"/{what}/nothing"), 404)
        refused(strict.get(f"/{what}?filter=id%20pr"), 403)

    def test_schemas_are_whole(self, strict: Client) -> None:
        user = strict.get(f"/Schemas/{CORE}").get_json(force=True)
        names = [attribute["name"] for attribute in user["attributes"]]
        assert names[:3] == ["userName", "name", "displayName"]
        assert not {"id", "externalId", "meta", "schemas"} & set(names)
        told = {
            "name", "type", "multiValued", "description", "required", "caseExact", "mutability",
            "returned", "uniqueness",
        }  # fmt: skip
        for attribute in user["attributes"]:
            for one in (attribute, *attribute.get("subAttributes", ())):
                assert told <= one.keys()
                assert one["description"]

    def test_extensions_of_hr_are_shown_to_configured_sources(
        self, hr: Client, strict: Client
    ) -> None:
        kind = hr.get("/ResourceTypes/User").get_json(force=True)
        assert (kind["endpoint"], kind["schema"]) == ("/Users", CORE)
        assert len(kind["schemaExtensions"]) == 7
        assert {extension["required"] for extension in kind["schemaExtensions"]} == {False}
        assert hr.get(f"/Schemas/{WORKER}").status_code == 200
        kind = strict.get("/ResourceTypes/User").get_json(force=True)
        assert kind["schemaExtensions"] == [{"schema": ENTERPRISE, "required": False}]
        refused(strict.get(f"/Schemas/{WORKER}"), 404)
        made = strict.create(userName="a", **{WORKER: {"workerId": "E1"}})
        assert made[WORKER] == {"workerId": "E1"}

    def test_definitions_have_tags(self, strict: Client) -> None:
        answer = strict.get("/Schemas")
        again = strict.get("/Schemas", If_None_Match=answer.headers["ETag"])
        assert (again.status_code, again.data) == (304, b"")


def test_a_patch_urn_is_no_schema_of_a_user(strict: Client) -> None:
    body = {"schemas": [PATCH_OP], "userName": "a"}
    refused(strict.send("POST", "/Users", body), 400, "invalidSyntax")


class TestOtherNames:
    """A suite on this machine asks `localhost`, and compares links with that."""

    HERE = "http://localhost:8080"

    def links(self, client: Client, host: str) -> set[str]:
        """How all links begin that a client at that address gets to see."""
        headers = {"Host": host}
        found = []

        def ask(method: str, path: str, body: Any = None, **more: str) -> Any:
            answer = client.send(method, path, body, {**headers, **more})
            found.extend(value for name, value in answer.headers if name.endswith("Location"))
            found.extend(re.findall(r'"(?:location|\$ref)":"([^"]+)"', answer.text))
            return answer.get_json(force=True) if answer.data else None

        user = ask("POST", "/Users", {"schemas": [CORE], "userName": host})
        members = [{"value": user["id"]}]
        group = {"schemas": [GROUP], "displayName": host, "members": members}
        made = ask("POST", "/Groups", group)
        body = {"schemas": [CORE], "userName": f"{host}.x"}
        post = {"method": "POST", "path": "/Users", "bulkId": "x", "data": body}
        other = ask("POST", "/Bulk", {"schemas": [BULK], "Operations": [post]})
        alone = other["Operations"][0]["location"].rpartition("/")[2]
        for path in (f"/Users/{user['id']}", f"/Users/{alone}", f"/Groups/{made['id']}"):
            ask("GET", path)
        for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Users"):
            ask("GET", path)
        for filter in (f'userName eq "{host}"', f'userName eq "{host}.x"'):
            ask("GET", f"/Users?filter={quote(filter)}")
        add = {"op": "add", "path": "title", "value": "x"}
        ask("PATCH", f"/Users/{alone}", {"schemas": [PATCH_OP], "Operations": [add]})
        ask("PUT", f"/Users/{alone}", body)
        filter = f'meta.location eq "{found[0]}"'
        [seen] = ask("GET", f"/Users?filter={quote(filter)}")["Resources"]
        assert seen["id"] == user["id"]
        ask("DELETE", f"/Users/{alone}", Prefer="respond-async")
        assert len(found) > 25
        return {link.partition("/scim/v2/")[0] for link in found}

    def test_links_begin_as_the_client_knows_this_server(self, server: Server) -> None:
        client = server.again(also=[self.HERE]).client("store", "strict")
        assert self.links(client, "localhost:8080") == {self.HERE}
        assert self.links(client, "muster.norhaven.example") == {BASE}
        assert self.links(client, "localhost:8080.evil.example") == {BASE}
        assert self.links(client, "localhost") == {BASE}

    def test_nothing_is_believed_that_is_not_set(self, server: Server) -> None:
        assert self.links(server.client("store", "strict"), "localhost:8080") == {BASE}
