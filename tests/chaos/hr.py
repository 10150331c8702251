"""An HR system that does not give up: what it was told is stored, it remembers."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.end_to_end.gateway import SCIM_TYPE
from tests.provisioning.house import worker

PATIENCE = 90.0
"""Seconds until a request that gets no answer, or no good one, is a failure."""

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Employee:
    """One person: what HR wants, and which of it was acknowledged with a 2xx."""

    number: str
    id: str | None = None
    acknowledged: dict[str, Any] = field(default_factory=dict)

    @property
    def login(self) -> str:
        return f"h{self.number}"


class Hr:
    """Pushes a hire and then changes for each of its employees, in order, with retries."""

    def __init__(self, scim: str, token: str, numbers: list[str], changes: int, seed: int) -> None:
        """`scim` is the address that resources are below."""
        self.employees = [Employee(number) for number in numbers]
        self.problem: BaseException | None = None
        self.retries = 0
        self._scim = scim
        self._changes = changes
        self._random = random.Random(seed)
        self._session = requests.Session()
        self._token = token
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    @property
    def busy(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait for the end; raises what went wrong."""
        self._thread.join()
        if self.problem is not None:
            raise self.problem

    def _run(self) -> None:
        try:
            for employee in self.employees:
                self._hire(employee)
            work = [e for e in self.employees for _ in range(self._changes)]
            self._random.shuffle(work)
            for number, employee in enumerate(work):
                self._change(employee, number)
        except BaseException as problem:
            self.problem = problem
        finally:
            self._session.close()

    def _hire(self, employee: Employee) -> None:
        said = {"title": "Joiner", "family": "Hollow", "active": True}
        answer = self._send("POST", "/Users", self._body(employee, said))
        if answer.status_code == 409:  # an earlier try was stored, its answer was lost
            found = self._send("GET", f'/Users?filter=externalId eq "{employee.number}"').json()
            assert found["totalResults"] == 1, found
            employee.id = found["Resources"][0]["id"]
        else:
            assert answer.status_code == 201, answer.text
            employee.id = answer.json()["id"]
        employee.acknowledged = said

    def _change(self, employee: Employee, number: int) -> None:
        said = dict(employee.acknowledged)
        what = self._random.choice(["title", "family", "active"])
        said[what] = {
            "title": f"Engineer {number}",
            "family": f"Hollow{number}",
            "active": not said["active"],
        }[what]
        path = f"/Users/{employee.id}"
        if what == "family":
            answer = self._send("PUT", path, self._body(employee, said))
        else:
            operation = {"op": "replace", "path": what, "value": said[what]}
            answer = self._send("PATCH", path, {"schemas": [PATCH], "Operations": [operation]})
        assert answer.status_code in (200, 204), answer.text
        employee.acknowledged = said

    def _body(self, employee: Employee, said: dict[str, Any]) -> dict[str, Any]:
        login = f"{employee.login}@norhaven.example"
        body = worker(
            employee.number,
            f"Kim {employee.number}",
            said["family"],
            userName=login,
            title=said["title"],
            active=said["active"],
        )
        return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], **body}

    def _send(self, method: str, path: str, body: Any = None) -> requests.Response:
        """The answer that says what became of it; asks again as long as there is none."""
        deadline = time.monotonic() + PATIENCE
        time.sleep(self._random.uniform(0, 0.1))
        while True:
            try:
                answer = self._session.request(
                    method,
                    self._scim + path,
                    json=body,
                    headers={
                        "Authorization": f"Bearer {self._token}",
                        "Content-Type": SCIM_TYPE,
                    },
                    timeout=10,
                )
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
                said = f"{answer.status_code} {answer.text}"
            except (requests.ConnectionError, requests.Timeout) as error:
                said = type(error).__name__
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path} got no answer, last: {said}")
            self.retries += 1
            time.sleep(self._random.uniform(0.05, 0.3))
