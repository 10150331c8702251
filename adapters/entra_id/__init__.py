"""Entra ID through Microsoft Graph, behind `adapters/target.py`.

Here live the SDK's wiring, Graph's words for users and what its refusals mean; not here: which
values an account should have (mappings), when to look (provisioning). Importing it loads no SDK.
"""

from __future__ import annotations

from adapters.entra_id.config import Config
from adapters.entra_id.target import EntraId

__all__ = ["Config", "EntraId"]
