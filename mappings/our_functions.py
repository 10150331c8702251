"""Where provisioning looks for the key that a GUID is.

The functions of mappings themselves are in `language/functions`; nothing else lives here.
"""

from __future__ import annotations

from mappings.language.functions.names import guid_key

__all__ = ["guid_key"]
