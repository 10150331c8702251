"""Client certificates, as a trusted proxy passes them on: known by subject and issuer.

A renewed certificate keeps both, while its fingerprint changes. Names are compared as RFC
4514 writes them, whatever string types the certificate uses.
"""

from __future__ import annotations

import base64
from urllib.parse import unquote_to_bytes

from cryptography import x509

LONGEST = 16_384


def read(header: str) -> x509.Certificate:
    """The certificate in a header: PEM, URL-encoded as nginx has it, or Base64 between
    colons as RFC 9440 has it. Raises ValueError."""
    if len(header) > LONGEST:
        raise ValueError("the certificate is too long")
    text = header.strip()
    if text.startswith(":") and text.endswith(":") and len(text) > 2:
        return x509.load_der_x509_certificate(base64.b64decode(text[1:-1], validate=True))
    return x509.load_pem_x509_certificate(unquote_to_bytes(text))


def handle(certificate: x509.Certificate) -> str:
    """Subject and issuer, as one text. Raises ValueError for names that cannot be read."""
    return handle_of(certificate.subject, certificate.issuer)


def handle_of(subject: x509.Name, issuer: x509.Name) -> str:
    """`handle`, from the names."""
    if not list(subject) or not list(issuer):
        raise ValueError("subject and issuer must not be empty")
    return f"{subject.rfc4514_string()}\n{issuer.rfc4514_string()}"


def is_current(certificate: x509.Certificate, now: float) -> bool:
    """Whether it is good at that instant (epoch seconds)."""
    begins = certificate.not_valid_before_utc.timestamp()
    return begins <= now <= certificate.not_valid_after_utc.timestamp()
