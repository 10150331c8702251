"""The sandbox as uWSGI's second mule, started only when the sandbox is the target."""

import os
import signal
import threading
from pathlib import Path

import setproctitle

import app
from sandbox import process
from store.database import Database

if __name__ == "__main__":
    setproctitle.setproctitle("muster sandbox")
    app.log_to_stderr()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    settings = app.load_settings(os.environ)
    business = app.clock(settings, Database(settings.database_url))
    process.serve(Path(os.environ["MUSTER_SANDBOX"]), business.now, stop)
