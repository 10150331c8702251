"""Fixtures that several test folders use."""

pytest_plugins = ["tests.databases", "tests.postgres", "tests.samba"]
