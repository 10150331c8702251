"""The worker as uWSGI's mule: runs beside the web process, restarted if it dies.

With MUSTER_NO_WORKER nothing works here, and only the bounded stop is left to do. Lies
beside `app.py` and not in `provisioning/`, because it wires the rooms as `app.py` does.
"""

import os
import signal
import threading

import setproctitle

import app
import wsgi_server

WEB_SECONDS = 7.0
"""How long the web process may go on once we are told to stop; SIGTERM to gone < 10 s."""


def work_then_stop() -> None:
    """Work until told to stop; the web process gets its deadline from that moment on."""
    stop = threading.Event()

    def deadline() -> None:
        stop.wait()
        wsgi_server.see_web_out(WEB_SECONDS)

    watcher = threading.Thread(target=deadline, name="deadline", daemon=True)
    watcher.start()
    if "MUSTER_NO_WORKER" in os.environ:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: stop.set())
        stop.wait()
    else:
        app.work(stop=stop)
    watcher.join()


if __name__ == "__main__":
    idle = "MUSTER_NO_WORKER" in os.environ
    setproctitle.setproctitle("muster keeper" if idle else "muster worker")
    app.log_to_stderr()
    work_then_stop()
