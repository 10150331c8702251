"""The operator's web pages, each with its JSON beside it, the commands about people, and
the receipts of what sources sent.

Reads the store and shows it. Nothing here writes to a directory.
"""

from console.directories import DirectoriesDown
from console.pages import create_blueprint, from_this_machine
from console.receipts import create_receipts

__all__ = ["DirectoriesDown", "create_blueprint", "create_receipts", "from_this_machine"]
