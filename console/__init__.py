"""The operator's web pages, each with its JSON beside it.

Reads the store and shows it. Nothing here writes to a directory.
"""
