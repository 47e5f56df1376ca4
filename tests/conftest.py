"""Fixtures and settings that every test shares."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.waiting", "tests.s3_server", "tests.full_disk"]

# No test fails because the machine is slow, nor by the luck of a draw: every run draws the same examples. To look for
# others, say --hypothesis-profile=searching, and keep what is found as an @example.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("searching", settings.get_profile("steady"), derandomize=False, max_examples=1000)
settings.load_profile("steady")
