"""The operator's web pages, each with its JSON beside it, and the commands about people.

Reads the store and shows it. Nothing here writes to a directory.
"""

from console.directories import DirectoriesDown
from console.pages import create_blueprint, from_this_machine

__all__ = ["DirectoriesDown", "create_blueprint", "from_this_machine"]
