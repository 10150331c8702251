"""`python -m sandbox.entra FOLDER [PORT]`: run the sandbox Entra by itself.

Prints how to reach it; the secret goes into `FOLDER/entra.json`, mode 0600.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from sandbox.entra import SandboxEntra


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.entra", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int, nargs="?", default=0)
    given = parser.parse_args(arguments)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    sandbox = SandboxEntra(given.folder, given.port)
    try:
        sandbox.start()
    except OSError as error:
        print(f"cannot start: {error.strerror or error}", file=sys.stderr)
        return 1
    settings = dict(sandbox.settings())
    file = given.folder / "entra.json"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump(settings, stream, indent=2)
    shown = {name: value for name, value in settings.items() if name != "client_secret"}
    print(json.dumps(shown), flush=True)
    done.wait()
    sandbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
