"""The SCIM 2.0 protocol (RFC 7643, RFC 7644): schemas, filters, PATCH, tokens, endpoints.

Knows nothing of HR's meaning or of any directory: a listener that `app.py` wires is
told of every change inside the transaction that stores it. No provisioning here.
"""
