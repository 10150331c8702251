"""The SCIM service beside scim2-server, the reference server in Python, and beside itself.

    SECONDS=10 SIZES=1000,100000 scripts/bench scim

First a gateway as in production (uWSGI, two web processes, SQLite with synchronous=FULL,
intake with persons, pairs and journal; its one target is down) and scim2-server in memory
under gunicorn with one worker answer the same requests over 16 connections, one after the
other on the same machine. Then a bare Flask route that returns the bytes of our GET stands
in our web server. Last, the same requests against more and more users: there the time of
the processors counts, which other work on the machine does not change much.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from sqlalchemy import Connection

from benchmarks._load import Result, request, run
from scim import documents, indexing, schema
from scim.bodies import encode
from store import credentials, resources
from store.clocks import machine_now
from store.database import Database
from store.resources import Resource
from tests.end_to_end.gateway import ROOT, free_port, processes_of, wait_for

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SECONDS = float(os.environ.get("SECONDS", "5"))
SIZES = [int(size) for size in os.environ.get("SIZES", "1000,100000").split(",")]
USERS = 1000
TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    try:
        ours = Ours(folder / "ours")
        peer = Peer(folder)
        plain = ours.store_only()
        print(f"{'':24}{'scim2-server':>28}{'Muster':>34}{'Muster without intake':>34}")
        for name, work in WORK.items():
            # One after the other, so that none takes processors from another.
            there, here, bare_here = work(peer), work(ours), work(plain)
            row = [
                f"{_line(found):>26} {found[0] / there[0]:5.1f} x" for found in (here, bare_here)
            ]
            print(f"{name:24}{_line(there):>28}{''.join(f'{one:>34}' for one in row)}")
        peer.stop()
        bare(folder, ours)
        ours.stop()
        sizes(folder)
    finally:
        for server in Server.started:  # some still run where a measurement failed
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


Found = tuple[float, Result]
"""Units a second (requests, or users of a Bulk), and the answers."""


def _line(found: Found) -> str:
    rate, result = found
    return f"{rate:,.0f}/s p50 {result.quantile(0.5):.1f} p99 {result.quantile(0.99):.0f} ms"


def user(number: int) -> dict[str, Any]:
    """A user of about 1.2 kB."""
    mail = f"user{number}@norhaven.example"
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": f"E{number}",
        "userName": mail,
        "active": True,
        "name": {
            "givenName": "Annelie",
            "familyName": f"Köhlermann{number}",
            "formatted": f"Annelie Köhlermann{number}",
        },
        "displayName": f"Annelie Köhlermann {number}",
        "title": "Specialist, Optics",
        "preferredLanguage": "de-DE",
        "userType": "Employee",
        "timezone": "Europe/Berlin",
        "emails": [
            {"value": mail, "type": "work", "primary": True},
            {"value": f"private{number}@example.org", "type": "home"},
        ],
        "phoneNumbers": [{"value": "+49 30 5550 0001", "type": "work"}],
        "addresses": [
            {
                "type": "work",
                "streetAddress": "Lindenallee 5",
                "locality": "Berlin",
                "postalCode": "10117",
                "country": "DE",
            }
        ],
        ENTERPRISE: {
            "employeeNumber": f"E{number}",
            "department": "Optics",
            "costCenter": "4101",
            "organization": "Norhaven",
        },
    }


class Server:
    """One of the servers: where it listens, and which users it holds."""

    started: ClassVar[list[Server]] = []

    def __init__(self, port: int, prefix: str, token: str) -> None:
        self.port = port
        self.prefix = prefix
        self.headers = {"Authorization": f"Bearer {token}"}
        self.numbers = itertools.count()
        self.ids: list[str] = []
        self.known: list[int] = []
        self.chance = random.Random(1)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str], folder: Path, environ: dict[str, str]) -> None:
        Server.started.append(self)
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environ, stdout=log, stderr=log, start_new_session=True
            )
        probe = request("GET", f"{self.prefix}/Users?count=1", self.headers)

        def answers() -> bool:
            try:
                return bool(run(self.port, iter([probe]), connections=1).statuses)
            except (OSError, AssertionError):
                return False

        wait_for(answers, 60, f"{type(self).__name__} does not answer")

    def stop(self) -> None:
        """End it, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def web_processes(self) -> list[int]:
        assert self.process is not None
        return [pid for name, pid in processes_of(self.process) if "web" in name]

    def ask(self, method: str, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        return request(method, self.prefix + path, self.headers, data)

    def fill(self, number: int) -> None:
        def seen(status: int, body: bytes) -> None:
            self.ids.append(json.loads(body)["id"])

        run(self.port, self.creates(number), seconds=600, seen=seen).only(201)

    def creates(self, most: int | None = None) -> Iterator[bytes]:
        for _ in itertools.count() if most is None else range(most):
            number = next(self.numbers)
            self.known.append(number)
            yield self.ask("POST", "/Users", user(number))


class Ours(Server):
    """A gateway that answers as in production."""

    def __init__(self, folder: Path, users: int = USERS) -> None:
        folder.mkdir()
        port = free_port()
        down = {
            "kind": "active_directory",
            "url": "ldaps://127.0.0.1:1",
            "base_dn": "DC=norhaven,DC=example",
            "people_ou": "OU=People,DC=norhaven,DC=example",
            "bind_dn": "CN=muster,DC=norhaven,DC=example",
            "password": "env:NOBODY",
            "connect_timeout": 1,
        }
        settings = {
            "domain": "norhaven.example",
            "server": {"port": port},
            "sources": {"workday": {"mapping": "workday"}},
            "targets": {"ad": down},
        }
        config = folder / "muster.yaml"
        config.write_text(json.dumps(settings))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        self.environ = {**kept, "MUSTER_CONFIG": str(config), "NOBODY": "x"}
        made = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), "token", "create", "workday"],
            env=self.environ, capture_output=True, text=True, check=True,
        )  # fmt: skip
        super().__init__(port, "/scim/v2", made.stdout.strip())
        self.database = f"sqlite:///{folder / 'data' / 'muster.db'}"
        self.start([sys.executable, str(ROOT / "app.py"), "run"], folder, self.environ)
        self.fill(users)

    def store_only(self) -> Server:
        """The same gateway for a source that nobody is told of."""
        database = Database(self.database)
        token = credentials.create(database, "plain", machine_now(), profile="strict")
        database.close()
        server = Server(self.port, self.prefix, token)
        server.fill(USERS)
        return server


class Peer(Server):
    """scim2-server in memory, gunicorn, one worker."""

    def __init__(self, folder: Path) -> None:
        super().__init__(free_port(), "/v2", "benchmark")
        command = [sys.executable, "-m", "gunicorn", "-w", "1", "-k", "gthread", "--threads", "16"]
        command += ["--keep-alive", "75", "-b", f"127.0.0.1:{self.port}", "--chdir", str(ROOT)]
        self.start(
            [*command, "benchmarks._peer:application"],
            folder,
            {**os.environ, "PEER_TOKEN": "benchmark"},
        )
        self.fill(USERS)


def _repeat(server: Server, make: Callable[[int], bytes], **more: Any) -> Result:
    requests = (make(number) for number in itertools.count())
    return run(server.port, requests, seconds=SECONDS, **more)


def get(server: Server) -> Found:
    result = _repeat(
        server,
        lambda _: server.ask("GET", f"/Users/{server.chance.choice(server.ids)}"),
        foreseen=8000,
    )
    return result.only(200).rate, result


def filtered(server: Server) -> Found:
    def make(_: int) -> bytes:
        name = f"user{server.chance.choice(server.known[:USERS])}@norhaven.example"
        filter = quote(f'userName eq "{name}"')
        return server.ask("GET", f"/Users?filter={filter}")

    result = _repeat(server, make, foreseen=8000)
    return result.only(200).rate, result


def patch(server: Server) -> Found:
    def make(number: int) -> bytes:
        operations = [
            {"op": "replace", "path": "title", "value": f"Title {number}"},
            {"op": "replace", "path": "name.familyName", "value": f"Name {number}"},
        ]
        body = {"schemas": [PATCH], "Operations": operations}
        return server.ask("PATCH", f"/Users/{server.ids[number % len(server.ids)]}", body)

    result = _repeat(server, make)
    return result.only(200, 204).rate, result


def page(server: Server) -> Found:
    """One client; what counts is how long it waits, so the unit is 1 / p50."""
    last = max(len(server.ids) - 100, 1)
    result = _repeat(
        server,
        lambda _: server.ask(
            "GET", f"/Users?startIndex={server.chance.randint(1, last)}&count=100"
        ),
        connections=1,
    )
    return 1000 / result.only(200).quantile(0.5), result


def bulk(server: Server) -> Found:
    def make(_: int) -> bytes:
        operations = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": f"b{position}",
                "data": user(next(server.numbers)),
            }
            for position in range(50)
        ]
        return server.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})

    result = _repeat(server, make, connections=8, foreseen=60)
    return result.only(200).rate * 50, result


def post(server: Server) -> Found:
    result = run(server.port, server.creates(), seconds=SECONDS)
    return result.only(201).rate, result


WORK: dict[str, Callable[[Server], Found]] = {
    "GET by id": get,
    "filter userName eq": filtered,
    "PATCH of two attributes": patch,
    "page of 100, one client": page,
    "Bulk of 50, users": bulk,
    "POST": post,
}


def bare(folder: Path, ours: Server) -> None:
    """Our GET beside a Flask route that knows its answer, in the same web server."""
    seen: list[bytes] = []
    probe = ours.ask("GET", f"/Users/{ours.ids[0]}")
    run(ours.port, iter([probe]), connections=1, seen=lambda _, body: seen.append(body))
    (folder / "bare.json").write_bytes(seen[0])
    (folder / "bare.py").write_text(
        "from pathlib import Path\nfrom flask import Flask, Response\n"
        "body = (Path(__file__).parent / 'bare.json').read_bytes()\napp = Flask('bare')\n"
        "@app.get('/scim/v2/Users/<id>')\ndef show(id):\n"
        "    return Response(body, content_type='application/scim+json')\n"
        "@app.get('/scim/v2/Users')\ndef alive():\n    return Response('{}')\n"
    )
    server = Server(free_port(), "/scim/v2", "x")
    options = ["--http-socket", f"127.0.0.1:{server.port}", "--processes", "2", "--threads", "8"]
    options += ["--master", "--lazy-apps", "--enable-threads", "--add-header", "Connection: close"]
    options += ["--wsgi-file", str(folder / "bare.py"), "--callable", "app", "--die-on-term"]
    start = "import pyuwsgi; pyuwsgi.run()"
    server.start(
        [sys.executable, "-c", start, *options, "--disable-logging"], folder, dict(os.environ)
    )
    server.ids = ours.ids
    plain, own = get(server), get(ours)
    server.stop()
    print(f"{'bare Flask route':24}{_line(plain):>28}{_line(own):>28}  {own[0] / plain[0]:5.2f} x")


def sizes(folder: Path) -> None:
    """Milliseconds of processor time a request, against more and more users."""
    print(f"\nms of processor time a request{'GET':>10}{'filter':>10}{'PATCH':>10}{'page':>10}")
    for size in SIZES:
        place = folder / f"users{size}"
        server = _stored(place, size)
        row = [_cost(server, work) for work in (get, filtered, patch, page)]
        server.stop()
        shutil.rmtree(place, ignore_errors=True)
        print(f"{size:>12,} users{'':18}" + "".join(f"{cost:10.3f}" for cost in row))


def _stored(place: Path, size: int) -> Ours:
    """A gateway with that many users of a store-only source, put there directly."""
    server = Ours(place, users=0)
    database = Database(server.database)
    token = credentials.create(database, "stored", machine_now(), profile="strict")
    server.headers = {"Authorization": f"Bearer {token}"}
    kind = schema.load().types["/Users"]

    def work(tx: Connection, start: int) -> None:
        for number in range(start, min(start + 5000, size)):
            _store(tx, kind, number, server)

    for start in range(0, size, 5000):
        database.write(partial(work, start=start))
    server.known = list(range(min(size, USERS)))
    database.close()
    return server


def _store(tx: Connection, kind: schema.ResourceType, number: int, server: Server) -> None:
    content = user(number)
    del content["schemas"]
    id = f"{number:08x}-0000-4000-8000-{number:012x}"
    new = Resource(
        id=id,
        source="stored",
        type=kind.name,
        external_id=content["externalId"],
        user_key=documents.user_key(kind, content),
        document=encode(documents.whole(kind, id, content, 0.0, 0.0, 1)),
        version=1,
        cleared=frozenset(),
        created=0.0,
        modified=0.0,
    )
    resources.insert_new(tx, new, indexing.values(kind, content))
    server.ids.append(id)


def _cost(server: Server, work: Callable[[Server], Found]) -> float:
    before = _used(server)
    _, result = work(server)
    return (_used(server) - before) * 1000 / len(result.took)


def _used(server: Server) -> float:
    return processor_seconds(server.web_processes())


def processor_seconds(pids: Iterable[int]) -> float:
    """Seconds of processor time that these processes have used."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


if __name__ == "__main__":
    main()
