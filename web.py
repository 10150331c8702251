"""The web process: what uWSGI loads, once for each process.

A stop that comes while one of several is still loading would be lost on it: uWSGI sets up
its own handling behind the loading, and its master would wait for a minute.
"""

import os
import signal

signal.signal(signal.SIGHUP, lambda *_: os._exit(0))  # how uWSGI's master stops its children

import app  # noqa: E402 - the handler comes first
import garbage  # noqa: E402

application = app.create_app()
garbage.few_heaps()
garbage.rarely(20_000, 20)  # requests leave little behind
