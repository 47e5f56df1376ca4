"""Fixtures and settings that every test shares."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.waiting", "tests.s3_server"]

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")  # no test fails because the machine is slow
