"""kill -9 at random points: nothing acknowledged is lost, nothing happens twice.

MUSTER_CHAOS_SEEDS="3 4 5" chooses other runs than those of CI.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter

import pytest
import requests

from tests.chaos.accounts import began
from tests.chaos.hr import Hr
from tests.end_to_end.gateway import Gateway, wait_for
from tests.samba import Administrator, Ous

SEEDS = [int(seed) for seed in os.environ.get("MUSTER_CHAOS_SEEDS", "1 2").split()]
PEOPLE, CHANGES, FEWEST_KILLS = 8, 6, 7
MASTER, WEB, WORKER, ALL = "muster", "muster web", "muster worker", "all"
DISABLED = 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_and_nothing_doubled(
    gateway: Gateway, samba_admin: Administrator, samba_ous: Ous, seed: int
) -> None:
    numbers = [f"{seed}{number:03}" for number in range(PEOPLE)]
    scim, token = f"{gateway.base}/scim/v2", gateway.token("workday")
    hr = Hr(scim, token, numbers, CHANGES, seed)
    chance = random.Random(seed)
    kills: Counter[str] = Counter()
    hr.start()
    while hr.busy or kills.total() - kills["missed"] < FEWEST_KILLS:
        time.sleep(chance.uniform(0.0, 1.5))
        kills[kill(gateway, chance.choice([WEB, WEB, WORKER, WORKER, WORKER, ALL, MASTER]))] += 1
    hr.join()
    kills[kill(gateway, ALL)] += 1  # whatever is left to do, is left in the database
    print(f"seed {seed}: killed {dict(kills)}, HR repeated {hr.retries} requests")
    gateway.settle(90)

    accounts = samba_admin.entries(samba_ous.people) + samba_admin.entries(samba_ous.leavers)
    by_number = Counter(entry["employeeID"][0] for entry in accounts)
    assert by_number == Counter(numbers), "exactly one account per person"
    of = {entry["employeeID"][0]: entry for entry in accounts}
    for employee in hr.employees:
        said = employee.acknowledged
        stored = gateway.call("GET", f"/Users/{employee.id}").json()
        assert stored["externalId"] == employee.number
        assert stored["title"] == said["title"]
        assert stored["name"]["familyName"] == said["family"]
        assert stored["active"] is said["active"]
        entry = of[employee.number]
        assert entry["title"] == [said["title"]]
        assert entry["sn"] == [said["family"]]
        assert entry["sAMAccountName"] == [employee.login]
        assert bool(int(entry["userAccountControl"][0]) & DISABLED) is not said["active"]

    verified = gateway.command("journal", "--verify")
    assert verified.returncode == 0, verified.stderr
    page = requests.get(f"{gateway.base}/people.json", timeout=10).json()
    assert page["counts"]["people"] == PEOPLE
    for person in page["people"]:
        told = requests.get(f"{gateway.base}/person/{person['id']}.json", timeout=10)
        made = began(told.json())
        assert sum(made.values()) == 1, f"{person['key']} began {dict(made)}"


def kill(gateway: Gateway, victim: str) -> str:
    """SIGKILL `victim`; starts the gateway again where nobody else does. Returns `victim`."""
    assert gateway.process is not None
    if victim in (ALL, MASTER):
        # The master alone has to take its children along.
        (os.killpg if victim == ALL else os.kill)(gateway.process.pid, signal.SIGKILL)
        gateway.process.wait(timeout=10)
        wait_for(lambda: not gateway.pids(), 10, "processes outlived their master")
        gateway.start()
        return victim
    try:
        os.kill(gateway.pids()[victim], signal.SIGKILL)
    except (KeyError, ProcessLookupError):  # killed a moment ago and not back yet
        return "missed"
    return victim
