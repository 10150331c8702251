"""Requests with broken insides: the server refuses or hangs up, and never fails."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.directory import SandboxDirectory, ber, messages
from sandbox.directory.service import Session
from tests.sandbox.directory.client import Client
from tests.sandbox.directory.requests import bind, exchange, samples


def garbled(chance: random.Random, requests: list[bytes]) -> bytes:
    """One of them with up to five bytes changed, lost or added; the frame stays whole,
    so that the inside is what is tried."""
    request = bytearray(chance.choice(requests))
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        place = chance.randrange(2, len(request))
        how = chance.random()
        if how < 0.8:
            request[place] = chance.choice((chance.randrange(256), request[place] ^ 1, 0, 255))
        elif how < 0.9:
            del request[place]
        else:
            request.insert(place, chance.randrange(256))
    long_form = request[1] >= 0x80
    return ber.element(ber.SEQUENCE, bytes(request[2 + (request[1] & 0x7F) * long_form :]))


def test_the_samples_are_understood(directory: SandboxDirectory) -> None:
    session = Session()
    service = directory._listener._service
    for data in (bind(directory), *samples()):
        assert service.answer(messages.read_message(data), session)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_asked_is_answered(directory: SandboxDirectory, seed: int) -> None:
    chance = random.Random(seed)
    session = Session()
    service = directory._listener._service
    service.answer(messages.read_message(bind(directory)), session)
    requests, understood = samples(), 0
    for _ in range(1500):
        try:
            message = messages.read_message(garbled(chance, requests))
        except ber.Malformed:
            continue
        if not isinstance(message.operation, messages.Bind | messages.Unbind | messages.Abandon):
            assert service.answer(message, session)
            understood += 1
    assert understood > 300


def test_over_the_wire(directory: SandboxDirectory, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(20260316)
    requests, first = samples(), bind(directory)
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(exchange, directory, first + garbled(chance, requests)) for _ in range(200)
        ]
        for job in jobs:
            job.result()
    assert not [record for record in caplog.records if record.exc_info]
    client = Client(directory)
    assert client.bind().code == 0
    assert client.search(base=client.people).code == 0
