"""The adapter against the sandbox tenant: azure-identity and msgraph-sdk as they are, over TLS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adapters.entra_id import Config, EntraId
from adapters.target import Account, Outcome, Step, TargetDown, TargetRefused, Value
from sandbox.entra import SandboxEntra
from sandbox.faults import Fault

MATCH = {"employeeId": "1001"}
NEW: dict[str, Value] = {
    "displayName": "Ana Sørensen",
    "mailNickname": "ana",
    "userPrincipalName": "ana@norhaven.example",
    "employeeId": "1001",
}
REQUIRED = frozenset({"employeeId", "mailNickname", "userPrincipalName"})
CREATE = Step("create", NEW, required=REQUIRED)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxEntra]:
    with SandboxEntra(tmp_path_factory.mktemp("entra")) as sandbox:
        yield sandbox


@pytest.fixture
def tenant(running: SandboxEntra) -> SandboxEntra:
    running.reset()
    return running


@pytest.fixture
def config(tenant: SandboxEntra) -> Config:
    settings = tenant.settings()
    return Config(
        settings["tenant_id"],
        settings["client_id"],
        client_secret=lambda: settings["client_secret"],
        graph=settings["graph"],
        authority=settings["authority"],
        ca_file=Path(settings["ca_file"]),
        answer_timeout=2.0,
        writes_per_second=0,
        patience=(0.2, 0.4),
    )


@pytest.fixture
def connect() -> Iterator[Callable[[Config], EntraId]]:
    opened: list[EntraId] = []

    def make(config: Config) -> EntraId:
        opened.append(EntraId(config))
        return opened[-1]

    yield make
    for target in opened:
        target.close()


@pytest.fixture
def entra(config: Config, connect: Callable[[Config], EntraId]) -> EntraId:
    return connect(config)


def hire(entra: EntraId, **more: Value) -> Account:
    outcome = entra.apply(None, replace(CREATE, attributes={**NEW, **more}))
    assert (outcome.result, outcome.refusals) == ("applied", ())
    account = entra.read(outcome.link, None)
    assert account is not None
    return account


def kinds(outcome: Outcome) -> list[tuple[str, str | None]]:
    return [(r.kind, r.attribute) for r in outcome.refusals]


def only(tenant: SandboxEntra) -> dict[str, Any]:
    [user] = tenant.dump()
    return user


# -- faults ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "value"), [("drop_after", None), ("drop_before", None), ("hang", 3), ("error", 500)]
)
def test_a_create_whose_answer_is_lost_makes_one_account(
    entra: EntraId, tenant: SandboxEntra, effect: Any, value: Any
) -> None:
    tenant.set_faults([Fault("entra", "POST /users$", effect, value, count=1)])
    assert entra.apply(None, CREATE) == Outcome("unknown")
    outcome = entra.apply(None, CREATE)
    assert outcome.result == "applied"
    assert outcome.link is not None
    assert only(tenant)["id"] == outcome.link.anchor
    assert only(tenant)["accountEnabled"] is False


def test_a_busy_tenant_says_when_to_come_back(entra: EntraId, tenant: SandboxEntra) -> None:
    tenant.set_faults([Fault("entra", "POST /users$", "error", "429/1", count=1)])
    with pytest.raises(TargetDown) as down:
        entra.apply(None, CREATE)
    assert down.value.retry_after == 1.0
    assert tenant.dump() == []


def test_a_new_account_that_other_replicas_do_not_show_yet(
    entra: EntraId, tenant: SandboxEntra
) -> None:
    tenant.set_faults([Fault("entra", "POST /users$", "lag", 0.4)])
    account = hire(entra)
    assert account.anchor == only(tenant)["id"]


def test_a_disable_that_ended_no_sessions_is_not_called_done(
    entra: EntraId, tenant: SandboxEntra
) -> None:
    account = hire(entra)
    assert entra.apply(account, Step("enable")) == Outcome("applied")
    tenant.set_faults([Fault("entra", "POST /revokeSignInSessions$", "error", 503)])
    assert entra.apply(account, Step("disable")) == Outcome("unknown")
    tenant.set_faults([Fault("entra", "POST /revokeSignInSessions$", "drop_before", count=1)])
    assert entra.apply(account, Step("disable")) == Outcome("applied")
    after = entra.read(None, MATCH)
    assert after is not None
    assert not after.enabled
    assert after.state["sessionsValidFrom"] > account.state["sessionsValidFrom"]


# -- the recycle bin -------------------------------------------------------------


def delete(tenant: SandboxEntra, config: Config, anchor: str) -> None:
    """Somebody deletes the account by hand."""
    from adapters.entra_id.client import Graph
    from adapters.entra_id.loop import event_loop

    async def work() -> None:
        graph = Graph(config)
        await graph.send(graph.client.users.by_user_id(anchor).to_delete_request_information())
        await graph.close()

    event_loop().run(work(), 10)


def test_who_returns_gets_the_deleted_account_back(
    entra: EntraId, tenant: SandboxEntra, config: Config
) -> None:
    account = hire(entra, jobTitle="Clerk")
    entra.apply(account, Step("enable"))
    delete(tenant, config, account.anchor)
    assert entra.read(None, MATCH) is None
    assert entra.holder("userPrincipalName", "ANA@norhaven.example") == account.anchor
    again = hire(entra, jobTitle="Buyer", userPrincipalName="ana.s@norhaven.example")
    assert again.anchor == account.anchor
    assert not again.enabled
    assert again.attributes["jobTitle"] == "Buyer"
    assert again.hint == "ana.s@norhaven.example"


def test_restored_although_somebody_took_the_old_name(
    entra: EntraId, tenant: SandboxEntra, config: Config
) -> None:
    account = hire(entra)
    delete(tenant, config, account.anchor)
    tenant.put([{"userPrincipalName": "ana@norhaven.example", "employeeId": "1002"}])
    again = hire(entra, userPrincipalName="ana2@norhaven.example", mailNickname="ana2")
    assert again.anchor == account.anchor
    assert again.hint == "ana2@norhaven.example"


@pytest.mark.parametrize("given", [None, "ana2@norhaven.example"])
def test_a_restore_finds_another_name(
    entra: EntraId, tenant: SandboxEntra, given: str | None
) -> None:
    account = hire(entra)
    entra.apply(account, Step("enable"))
    entra.apply(account, Step("delete"))
    tenant.put([{"userPrincipalName": NEW["userPrincipalName"], "employeeId": "2"}])
    names: dict[str, Value | None] = {} if given is None else {"userPrincipalName": given}
    outcome = entra.apply(None, Step("restore", names, anchor=account.anchor))
    assert outcome.result == "applied"
    assert outcome.link is not None
    [back] = [user for user in tenant.dump() if user["id"] == account.anchor]
    own = account.anchor.replace("-", "")
    assert back["userPrincipalName"] == (given or f"{own}@norhaven.example")
    assert outcome.link.hint == back["userPrincipalName"]
    assert back["accountEnabled"] is False


def test_a_name_in_the_bin_is_not_given_to_somebody_else(
    entra: EntraId, tenant: SandboxEntra, config: Config
) -> None:
    delete(tenant, config, hire(entra).anchor)
    outcome = entra.apply(None, replace(CREATE, attributes={**NEW, "employeeId": "1002"}))
    assert kinds(outcome) == [("name", "userPrincipalName")]
    assert tenant.dump() == []


def test_names_that_merely_end_alike_do_not_hide_the_one_in_the_bin(
    entra: EntraId, tenant: SandboxEntra, config: Config
) -> None:
    for number in range(7):
        other = {"employeeId": f"20{number}", "userPrincipalName": f"x{number}a@norhaven.example"}
        delete(tenant, config, hire(entra, **other).anchor)
    account = hire(entra, userPrincipalName="a@norhaven.example")
    delete(tenant, config, account.anchor)
    assert entra.holder("userPrincipalName", "a@norhaven.example") == account.anchor
    assert entra.holder("userPrincipalName", "xa@norhaven.example") is None


# -- what a tenant may be --------------------------------------------------------


def test_an_address_of_somebody_else_is_left_out(entra: EntraId, tenant: SandboxEntra) -> None:
    tenant.put([{"userPrincipalName": "info@norhaven.example", "mail": "info@norhaven.example"}])
    [other] = tenant.dump()
    assert entra.holder("mail", "INFO@norhaven.example") == other["id"]
    attributes = {**NEW, "mail": "info@norhaven.example"}
    outcome = entra.apply(None, replace(CREATE, attributes=attributes))
    assert (outcome.result, kinds(outcome)) == ("applied", [("name", "mail")])


def test_a_domain_that_is_not_verified(entra: EntraId) -> None:
    attributes = {**NEW, "userPrincipalName": "ana@elsewhere.example"}
    outcome = entra.apply(None, replace(CREATE, attributes=attributes))
    assert kinds(outcome) == [("config", "userPrincipalName")]


def test_one_half_of_the_org_data_does_not_empty_the_other(entra: EntraId) -> None:
    division, cost = "employeeOrgData.division", "employeeOrgData.costCenter"
    account = hire(entra, **{division: "Sales", cost: "K-7"})
    assert entra.apply(account, Step("modify", {division: "Legal"})) == Outcome("applied")
    after = entra.read(None, MATCH)
    assert after is not None
    assert (after.attributes[division], after.attributes[cost]) == ("Legal", "K-7")
    assert entra.apply(after, Step("modify", {cost: None})) == Outcome("applied")
    after = entra.read(None, MATCH)
    assert after is not None
    assert after.attributes.get(division) == "Legal"
    assert cost not in after.attributes


def test_an_administrators_account(entra: EntraId, tenant: SandboxEntra) -> None:
    account = hire(entra)
    tenant.put([{**only(tenant), "roles": ["User Administrator"]}])
    step = Step("modify", {"mobilePhone": "+45 20 12 34 56", "city": "Aarhus"})
    outcome = entra.apply(account, step)
    assert (outcome.result, kinds(outcome)) == ("applied", [("protected", "mobilePhone")])
    assert only(tenant)["city"] == "Aarhus"
    assert kinds(entra.apply(account, Step("enable"))) == [("protected", "accountEnabled")]


def test_in_a_hybrid_tenant_only_what_the_cloud_owns_is_written(
    entra: EntraId,
    tenant: SandboxEntra,
    config: Config,
    connect: Callable[[Config], EntraId],
) -> None:
    hire(entra)
    tenant.put([{**only(tenant), "onPremisesSyncEnabled": True}])
    hybrid = connect(replace(config, hybrid=True))
    account = hybrid.read(None, MATCH)
    assert account is not None
    assert account.protected is None
    outcome = hybrid.apply(account, Step("modify", {"usageLocation": "DK", "city": "Aarhus"}))
    assert (outcome.result, kinds(outcome)) == ("applied", [("protected", "city")])
    assert only(tenant)["usageLocation"] == "DK"
    create = replace(CREATE, attributes={**NEW, "employeeId": "1002"})
    assert kinds(hybrid.apply(None, create)) == [("config", None)]


def test_a_permission_that_is_missing(entra: EntraId, tenant: SandboxEntra) -> None:
    account = hire(entra)
    tenant.configure(roles=tenant.options.roles - {"User.RevokeSessions.All", "User.ReadWrite.All"})
    entra.close()  # tokens carry the permissions
    with pytest.raises(TargetRefused) as refused:
        entra.read(None, MATCH)
    assert refused.value.refusal.kind == "rights"
    tenant.configure(roles=frozenset({"User.Read.All"}))
    entra.close()
    outcome = entra.apply(account, Step("modify", {"city": "Aarhus"}))
    assert kinds(outcome) == [("rights", "city")]
    assert "User.ReadWrite.All" in outcome.refusals[0].remedy


# -- signing in ------------------------------------------------------------------


def test_any_number_of_threads_sign_in_once(entra: EntraId, tenant: SandboxEntra) -> None:
    tenant.set_faults([Fault("entra", "POST /oauth2/v2.0/token$", "delay", 0.2)])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: entra.read(None, MATCH), range(8)))
    assert found == [None] * 8
    assert tenant.faults.fired == 1


def certificate(folder: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "muster")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "app.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_a_certificate_signs_in_with_an_assertion(
    config: Config, connect: Callable[[Config], EntraId], tmp_path: Path
) -> None:
    """The sandbox knows secrets alone, and says so in Entra's words."""
    by_certificate = replace(config, client_secret=None, certificate=certificate(tmp_path))
    with pytest.raises(TargetRefused) as refused:
        connect(by_certificate).read(None, MATCH)
    assert refused.value.refusal.kind == "config"
    assert "AADSTS" in refused.value.refusal.code


@pytest.mark.parametrize("changes", [{"ca_file": "no-such.pem"}, {"certificate": "no-such.pem"}])
def test_files_that_are_not_there(
    config: Config,
    connect: Callable[[Config], EntraId],
    tmp_path: Path,
    changes: dict[str, str],
) -> None:
    paths: dict[str, Any] = {name: tmp_path / file for name, file in changes.items()}
    if "certificate" in paths:
        paths["client_secret"] = None
    with pytest.raises(TargetRefused) as refused:
        connect(replace(config, **paths)).read(None, MATCH)
    assert refused.value.refusal.kind == "config"
    assert str(tmp_path) not in refused.value.refusal.message


def test_a_secret_that_vanished_is_a_setting(
    config: Config, connect: Callable[[Config], EntraId]
) -> None:
    def secret() -> str:
        raise KeyError("MUSTER_ENTRA_SECRET")

    with pytest.raises(TargetRefused) as refused:
        connect(replace(config, client_secret=secret)).read(None, MATCH)
    assert refused.value.refusal.kind == "config"


# -- the process -----------------------------------------------------------------


def test_a_child_of_a_fork_makes_its_own_connections(entra: EntraId) -> None:
    hire(entra)
    script = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = entra.read(None, MATCH)
            os.write(script[1], b"found" if found else b"nobody")
        finally:
            os._exit(0)
    os.close(script[1])
    try:
        assert os.read(script[0], 100) == b"found"
    finally:
        os.waitpid(child, 0)
        os.close(script[0])
    assert entra.read(None, MATCH) is not None


def test_who_ends_without_closing_says_nothing_of_it(config: Config) -> None:
    assert config.client_secret is not None
    script = f"""
from pathlib import Path
from adapters.entra_id import Config, EntraId

def ask():
    EntraId(Config({config.tenant_id!r}, {config.client_id!r}, client_secret=input,
        graph={config.graph!r}, authority={config.authority!r},
        ca_file=Path({str(config.ca_file)!r}))).read(None, {{"employeeId": "none"}})

ask()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=config.client_secret(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_only_the_process_that_calls_loads_the_sdk_and_little_of_it(config: Config) -> None:
    assert config.client_secret is not None
    script = f"""
import sys
from pathlib import Path
from adapters.entra_id import Config, EntraId
from adapters.target import Step

def loaded(*roots):
    return sorted(m for m in sys.modules if m.partition(".")[0] in roots)

assert loaded("msgraph", "azure", "kiota_http", "httpx", "aiohttp") == []
entra = EntraId(Config({config.tenant_id!r}, {config.client_id!r}, client_secret=input,
    graph={config.graph!r}, authority={config.authority!r}, ca_file=Path({str(config.ca_file)!r})))
link = entra.apply(None, Step("create", {NEW!r})).link
account = entra.read(link, None)
entra.apply(account, Step("modify", {{"givenName": "g" * 65}}))
entra.apply(account, Step("disable"))
entra.close()
models = [m for m in loaded("msgraph") if ".models." in m]
assert loaded("msgraph") and models == [], models
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", script],
        input=config.client_secret(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
