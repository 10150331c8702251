"""The worker as uWSGI's mule: runs beside the web process, restarted if it dies.

Lies beside `app.py` and not in `provisioning/`, because it wires the rooms as `app.py` does.
"""

import setproctitle

import app
import wsgi_server

WEB_SECONDS = 5.0
"""How long the web process may go on after the worker has stopped; SIGTERM to gone < 10 s."""

if __name__ == "__main__":
    setproctitle.setproctitle("muster worker")
    app.log_to_stderr()
    app.work()
    wsgi_server.see_web_out(WEB_SECONDS)
