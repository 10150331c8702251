"""How seldom Python looks for objects that refer to each other in circles."""

import gc


def rarely() -> None:
    """To be called when a process is loaded. What is there stays, and work leaves little behind
    that goes in circles: looking for it every 700 objects, as Python does, takes a fifth of a
    Bulk request and a tenth of a look."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
