"""What of Workday's XML becomes what of a SCIM user: `workers.xsl` as docs/workday.md has it."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.workday.connector import users
from tests.hr.desk import ACTIVE, tags


def ws(personal: str = "", status: str = ACTIVE, ids: str = "", more: str = "") -> Any:
    """The user made of one worker of Core Connector: Worker."""
    ids = ids or tags(Employee_ID="E20001")
    (user,) = users(
        f"""<ws:Worker_Sync xmlns:ws="urn:com.workday/workersync"><ws:Worker>
        <ws:Summary>{ids}</ws:Summary><ws:Personal>{personal}</ws:Personal>
        <ws:Status>{status}</ws:Status>{more}</ws:Worker></ws:Worker_Sync>""".encode()
    )
    return user


def data(name: str, **values: str) -> str:
    return f"<ws:{name}>{tags(**values)}</ws:{name}>"


def mail(address: str, **more: str) -> str:
    return data("Email_Data", Email_Type="WORK", Email_Address=address, **more)


def phone(number: str, device: str = "Mobile", **more: str) -> str:
    return data(
        "Phone_Data",
        Phone_Type="WORK",
        Phone_Device_Type=device,
        Complete_Phone_Number=number,
        **more,
    )


def reached(user: Any, kind: str) -> str | None:
    """The value of that type among mails and phones."""
    items = user["emails"] if kind == "mail" else user["phoneNumbers"]
    (found,) = [one["value"] for one in items if kind in ("mail", one["type"])]
    return found if found is None else str(found)


class TestReach:
    @pytest.mark.parametrize("no", ["false", "0", " false "])
    def test_what_is_not_public_is_not_taken(self, no: str) -> None:
        """P4."""
        user = ws(
            phone("1", Phone_Is_Public=no)
            + phone("2", "Landline", Phone_Is_Public="true")
            + mail("a@x.example", Email_Is_Public=no)
            + data("Address_Data", Address_Type="WORK", Address_Is_Public=no, Municipality="Ulm")
        )
        assert reached(user, "mobile") is None
        assert reached(user, "work") == "2"
        assert reached(user, "mail") is None
        assert user["addresses"][0]["locality"] is None
