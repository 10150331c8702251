from __future__ import annotations

import threading
import time

from sqlalchemy import Connection

from store import setting
from store.database import Database
from store.wakeup import changes, notify


def test_a_commit_is_noticed_at_once_and_only_once(db: Database) -> None:
    feed = changes(db)
    assert not feed.wait(0.1)

    def work() -> None:
        time.sleep(0.1)

        def put(tx: Connection) -> None:
            setting.put(tx, "a", "1")
            notify(tx)

        db.write(put)

    thread = threading.Thread(target=work)
    started = time.monotonic()
    thread.start()
    assert feed.wait(5)
    assert time.monotonic() - started < 1
    thread.join()
    assert not feed.wait(0.1)
    feed.close()


def test_what_was_committed_between_two_waits_is_noticed_by_the_next(db: Database) -> None:
    feed = changes(db)
    db.write(lambda tx: setting.set_business_time(tx, 1.0))
    assert feed.wait(2)
    feed.close()
    with db.read() as connection:
        assert setting.get(connection, "business_now") == "1.0", "the pool is as it was"
