"""Ids: UUIDs in the order of their making."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

from store.ids import new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = [UUID(new_id()) for _ in range(1000)]
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {RFC_4122}
    assert len(set(made)) == 1000
    # Every other bit is set in some and clear in others.
    bits = [one.int & (1 << 80) - 1 for one in made]
    always, ever = ~0, 0
    for one in bits:
        always &= one
        ever |= one
    assert ever - (always & ever) == (1 << 80) - 1 - (0xF << 76) - (0x3 << 62)


def test_ids_tell_the_time_and_stand_in_its_order() -> None:
    before = int(time.time() * 1000)
    earlier = new_id()
    time.sleep(0.003)
    later = new_id()
    after = int(time.time() * 1000)
    assert before <= UUID(earlier).int >> 80 < UUID(later).int >> 80 <= after
    assert earlier < later
