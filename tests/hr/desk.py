"""The address at which Workday's own forms are taken in, and what is sent there."""

from __future__ import annotations

import json
from typing import Any

from tests.hr.gate import Gate


class Desk:
    """The address beside SCIM, as one source's integration calls it."""

    def __init__(self, gate: Gate, source: str = "workday") -> None:
        self.gate = gate
        self.http = gate.app.test_client()
        self.token = gate.token(source)

    def send(
        self, body: Any, type: str | None = None, query: str = "", name: str = "workday"
    ) -> Any:
        if not isinstance(body, bytes):
            body, type = json.dumps(body).encode(), type or "application/json"
        answer = self.http.post(
            f"/sources/{name}/workers{query}",
            data=body,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": type or "application/xml",
            },
        )
        assert answer.status_code != 500, answer.text
        return answer

    def take(self, body: Any, **more: Any) -> list[dict[str, Any]]:
        """What became of each worker; fails unless all were taken."""
        answer = self.send(body, **more)
        assert answer.status_code in (200, 201), answer.text
        self.gate.settle()
        found: list[dict[str, Any]] = answer.get_json()["workers"]
        return found

    def refused(self, body: Any, status: int = 400, **more: Any) -> str:
        """The sentence of a refusal."""
        answer = self.send(body, **more)
        assert answer.status_code == status, answer.text
        said = answer.get_json(force=True)
        assert said["status"] == str(status)
        return str(said["detail"])


def connector(status: str = "", number: str = "E20001", more: str = "", job: str = "") -> bytes:
    """One worker as Core Connector: Worker writes it."""
    return f"""<ws:Worker_Sync xmlns:ws="urn:com.workday/workersync"><ws:Worker>
      <ws:Summary><ws:Employee_ID>{number}</ws:Employee_ID>{more}</ws:Summary>
      <ws:Personal><ws:Name_Data><ws:Name_Type>Legal</ws:Name_Type>
        <ws:First_Name>Annelie</ws:First_Name><ws:Last_Name>Berg</ws:Last_Name></ws:Name_Data>
      </ws:Personal>
      <ws:Status>{status}</ws:Status>{job}
    </ws:Worker></ws:Worker_Sync>""".encode()


def tags(**values: str) -> str:
    return "".join(f"<ws:{name}>{value}</ws:{name}>" for name, value in values.items())


def job(**values: str) -> str:
    return f"<ws:Position>{tags(**values)}</ws:Position>"


ACTIVE = tags(Active="1", Hire_Date="2021-04-01-08:00", Terminated="0")
