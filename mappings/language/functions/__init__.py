"""The functions of the language, one family a module; importing this registers them all.

Those of Entra give what Entra gives; where its documentation says nothing, the docstring
says what is done here. `registry` tells how a function is declared.
"""

from __future__ import annotations

from mappings.language.functions import (  # noqa: F401  (they register themselves)
    codes,
    dates,
    directory,
    flow,
    lists,
    logic,
    names,
    replace,
    text,
)
