"""The web process: what uWSGI loads, once for each process.

A stop that comes while one of several is still loading would be lost on it: uWSGI sets up
its own handling behind the loading, and its master would wait for a minute.
"""

import gc
import os
import signal

signal.signal(signal.SIGHUP, lambda *_: os._exit(0))  # how uWSGI's master stops its children

import app  # noqa: E402 - the handler comes first

application = app.create_app()

# What is loaded by now stays, and requests leave little behind that goes in circles: looking
# for it every 700 objects, as Python does, takes a fifth of a Bulk request.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
