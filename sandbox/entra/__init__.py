"""An Entra tenant on the loopback: token endpoint and Microsoft Graph's users and groups.

Made for tests, demonstrations and mappings in the making. Strict where Graph is strict; it
holds no code of the SDK and talks to nobody.
"""

from sandbox.entra.options import Options
from sandbox.entra.service import SandboxEntra, Settings

__all__ = ["Options", "SandboxEntra", "Settings"]
