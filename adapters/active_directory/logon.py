"""Whether an account may log on: its control bits, and a password that nobody knows."""

from __future__ import annotations

import secrets

# userAccountControl bits (MS-ADTS 2.2.16)
DISABLED = 0x2
PASSWORD_NOT_REQUIRED = 0x20
NORMAL_ACCOUNT = 0x200


def fresh_password() -> bytes:
    """The value of unicodePwd: UTF-16LE in quotes, 52 characters of all four kinds."""
    return f'"Aa1-{secrets.token_urlsafe(36)}"'.encode("utf-16-le")
