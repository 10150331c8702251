"""The worker as uWSGI's mule: runs beside the web process, restarted if it dies.

Lies beside `app.py` and not in `provisioning/`, because it wires the rooms as `app.py` does.
"""

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
    app.work(stop=stop)
    watcher.join()


if __name__ == "__main__":
    setproctitle.setproctitle("muster worker")
    app.log_to_stderr()
    work_then_stop()
