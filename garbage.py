"""How seldom Python looks for objects that refer to each other in circles."""

import gc


def rarely(objects: int = 5_000, rounds: int = 10) -> None:
    """To be called when a process is loaded: what is there stays. Looked at are `objects` new
    ones at a time, older ones once in `rounds`. Every 700, as Python does it, takes a fifth of a
    Bulk request and a tenth of a look; who looks too seldom grows."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(objects, rounds, rounds)
