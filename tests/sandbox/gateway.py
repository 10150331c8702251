"""A gateway over HTTP without processes: SCIM, intake and converge over directories in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from provisioning import rest
from scim.endpoints import create_blueprint
from store import credentials
from store.clocks import iso, machine_now, parse_instant
from tests.provisioning.house import House


class Gateway:
    """Serves :class:`House` on a free port; `url` and `tokens` are what a client needs."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder, ("ad", "entra"))
        self.tokens = folder / "tokens"
        self.tokens.mkdir()
        self.token = credentials.create(self.house.database, "workday", machine_now())
        (self.tokens / "workday").write_text(self.token + "\n")
        self.clock: str | None = None
        self.clocks: list[str | None] = []
        self.is_sandbox = True
        self.rests = 1000
        """How often it comes to rest before it no longer does."""
        self.url = ""

    @contextmanager
    def serve(self) -> Iterator[None]:
        app = Flask("gateway", static_folder=None)
        app.register_blueprint(create_blueprint(self.house.database, listener=self.house.intake))
        app.add_url_rule("/sandbox", "about", self._about)
        app.add_url_rule("/sandbox/accounts", "accounts", self._accounts)
        app.add_url_rule("/sandbox/clock", "clock", self._clock, methods=["PUT"])
        app.add_url_rule("/sandbox/settle", "settle", self._settle, methods=["POST"])
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.url = f"http://127.0.0.1:{server.port}"
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            self.house.database.close()

    def _about(self) -> ResponseReturnValue:
        if not self.is_sandbox:
            abort(404)
        return jsonify(clock=self.clock or iso(machine_now()))

    def _clock(self) -> ResponseReturnValue:
        body: dict[str, Any] = request.get_json()
        self.clock = body["now"]
        self.clocks.append(self.clock)
        self.house.now = parse_instant(self.clock) if self.clock else machine_now()
        return jsonify(clock=self.clock)

    def _settle(self) -> ResponseReturnValue:
        if self.clock is None:
            self.house.now = machine_now()
        held = [{"person": "p1", "target": "ad", "why": "two accounts carry the same key"}]
        self.rests -= 1
        if self.rests < 0:
            late = [{"person": "p2", "target": "entra", "why": "cannot connect"}]
            return jsonify(settled=False, looks=0, held=held, waiting=[], unsettled=late)
        looks = self.house.settle()
        with self.house.database.read() as connection:
            waiting = [asdict(stuck) for stuck in rest.waiting(connection)]
        return jsonify(settled=True, looks=looks, held=[], waiting=waiting, unsettled=[])

    def _accounts(self) -> ResponseReturnValue:
        ad, entra = (self.house.directories[name].accounts for name in ("ad", "entra"))
        return jsonify(
            ad=[
                {
                    "dn": one.hint,
                    "attributes": {
                        **one.attributes,
                        "objectGUID": one.anchor,
                        "userAccountControl": 512 if one.enabled else 514,
                        **{name: ad[anchor].hint for name, anchor in one.references.items()},
                    },
                }
                for one in ad.values()
            ],
            entra=[
                {
                    "id": one.anchor,
                    "employeeId": one.attributes["employeeID"],
                    "accountEnabled": one.enabled,
                    "displayName": one.attributes["displayName"],
                    "mailNickname": one.attributes["sAMAccountName"],
                    "userPrincipalName": one.attributes["userPrincipalName"],
                    "jobTitle": one.attributes.get("title"),
                    "department": one.attributes.get("department"),
                    "manager": {
                        "displayName": entra[one.references["manager"]].attributes["displayName"]
                    }
                    if "manager" in one.references
                    else None,
                    "groups": [],
                }
                for one in entra.values()
            ],
        )
