"""One database through SQLAlchemy Core: tables, transactions, journal, the two clocks.

Statements that several rooms need live here. What a row means for a person is
decided above, in `provisioning/`.
"""
