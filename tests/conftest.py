"""Fixtures that several test folders use, and how hypothesis is to judge a busy machine."""

from hypothesis import HealthCheck, settings

# A test is judged by what it finds; how long it took says something of the machine.
settings.register_profile("muster", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("muster")

pytest_plugins = ["tests.databases", "tests.postgres", "tests.samba"]
