"""The sandbox as uWSGI's second mule, started only when it stands in for the targets.

Imports neither `app` nor anything of Flask: the process stays small.
"""

import os
import signal
import threading
from pathlib import Path

import setproctitle

import garbage
import settings as configuration
from sandbox import process
from store.database import Database
from store.setting import business_clock

if __name__ == "__main__":
    setproctitle.setproctitle("muster sandbox")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    garbage.few_heaps()
    found = configuration.load(Path(os.environ["MUSTER_CONFIG"]), os.environ)
    business = business_clock(Database(found.database_url))
    garbage.rarely()
    process.serve(Path(os.environ["MUSTER_SANDBOX"]), business.now, stop)
