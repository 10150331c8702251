"""The domain controller is away: HR notices nothing, the page says so, and it converges later."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sandbox.samba import SambaDomain
from tests.end_to_end.gateway import Gateway, wait_for
from tests.provisioning.house import worker
from tests.samba import Administrator, Ous


def test_a_domain_controller_that_is_down(samba_domains: Callable[[], SambaDomain]) -> None:
    domain = samba_domains()
    place = domain.settings()
    folder = Path(tempfile.mkdtemp(prefix="muster-"))
    gateway = Gateway(folder, domain, Ous(place["people_ou"], place["leavers_ou"]))
    gateway.start()
    try:
        domain.stop()
        assert gateway.call("POST", "/Users", worker("E1")).status_code == 201

        def told() -> bool:
            page = gateway._session.get(f"{gateway.base}/people.json", timeout=10)
            return page.status_code == 200 and "domain controller" in page.text

        wait_for(told, 20, "the page does not say that the target is down")
        domain.start()
        gateway.settle(60)
        entry = Administrator(domain).entry("(employeeID=E1)")
        assert not int(entry["userAccountControl"][0]) & 2
    finally:
        gateway.kill()
        gateway.database.close()
        shutil.rmtree(folder)
