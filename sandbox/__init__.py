"""A directory to play with, so that a new user needs none.

Imported by `app.py` alone; imports no adapter. Nothing here runs in production.
"""
