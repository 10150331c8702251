"""What keeps processes small: of objects in circles, and of the heaps of threads."""

import ctypes
import gc

_ARENA_MAX = -8  # of mallopt(3)


def rarely(objects: int = 5_000, rounds: int = 10) -> None:
    """To be called when a process is loaded: what is there stays. Looked at are `objects` new
    ones at a time, older ones once in `rounds`. Every 700, as Python does it, takes a fifth of a
    Bulk request and a tenth of a look; who looks too seldom grows."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(objects, rounds, rounds)


def few_heaps(number: int = 2) -> None:
    """To be called before threads are started. glibc gives them up to eight heaps a processor,
    each of which keeps what it once needed; where malloc is another one, nothing is done."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, number)
