"""Norhaven, a maker of lenses: the people whom a new sandbox starts with.

Twelve people in three countries: managers, somebody still to come, a contractor with a
last day, somebody on leave, and names that are not plain ASCII.
"""

from __future__ import annotations

from datetime import date, timedelta

from sandbox.client import Client, Refused
from sandbox.workday import BERLIN, GOTHENBURG, LEEDS, Worker
from store.clocks import machine_now, to_datetime

_STARTS_IN = timedelta(days=10)
_ENDS_IN = timedelta(days=45)


def people(today: date) -> tuple[Worker, ...]:
    """Everyone, managers before their reports; the pre-hire starts and the contractor ends
    some days after `today`."""
    return (
        Worker("W4001", "Henrike", "Sommerlath", "Managing Director", "Management", BERLIN,
               date(2014, 2, 1), None, "hsommerlath"),
        Worker("W4002", "Torbjörn", "Ekwall", "Head of Lens Design", "Lens Design", GOTHENBURG,
               date(2016, 8, 15), "W4001", "tekwall"),
        Worker("W4003", "Priya", "Ramanathan", "Head of Production", "Production", LEEDS,
               date(2017, 5, 2), "W4001", "pramanathan"),
        Worker("W4004", "Matthias", "Großhauser", "Head of Finance", "Finance", BERLIN,
               date(2018, 1, 8), "W4001", "mgrosshauser"),
        Worker("W4005", "Ylva", "Söderqvist-Berg", "Optical Engineer", "Lens Design", GOTHENBURG,
               date(2020, 9, 1), "W4002", "ysoderqvist"),
        Worker("W4006", "Oisín", "O'Driscoll", "Lens Polisher", "Production", LEEDS,
               date(2019, 11, 4), "W4003", "oodriscoll"),
        Worker("W4007", "Małgorzata", "Wiśniewska", "Accountant", "Finance", BERLIN,
               date(2021, 4, 1), "W4004", "mwisniewska"),
        Worker("W4008", "Declan", "Fairweather", "Quality Lead", "Production", LEEDS,
               date(2018, 3, 19), "W4003", "dfairweather", on_leave=True),
        Worker("W4009", "Jörg", "Abendroth", "IT Administrator", "IT", BERLIN,
               date(2022, 7, 1), "W4004", "jabendroth"),
        Worker("W4010", "Nanami", "Tachibana", "Optical Designer", "Lens Design", GOTHENBURG,
               date(2023, 1, 16), "W4002", "ntachibana"),
        # As is usual, Workday knows neither a login nor an address of who has not begun.
        Worker("W4011", "Esther", "Kiptoo", "Lens Polisher", "Production", LEEDS,
               today + _STARTS_IN, "W4003"),
        Worker("W4012", "Bastien", "Verlinden", "Coating Consultant", "Lens Design", GOTHENBURG,
               date(2024, 10, 1), "W4002", "bverlinden", contract_end=today + _ENDS_IN),
    )  # fmt: skip


def seed(client: Client, today: date | None = None) -> int:
    """Push everyone who is not there yet through the SCIM door, as the source of `client`.

    `today` is by default the machine's day. Answers how many were pushed; a second call
    pushes nobody, and nobody who was changed meanwhile is changed back. Raises
    sandbox.client.Unreachable and Refused.
    """
    today = today or to_datetime(machine_now()).date()
    pushed = 0
    for worker in people(today):
        if client.find(worker.number) is not None:
            continue
        try:
            client.scim("POST", "/Users", worker.document(today))
            pushed += 1
        except Refused as refusal:
            if refusal.status != 409:  # somebody else pushed them, or took their user name
                raise
    return pushed
