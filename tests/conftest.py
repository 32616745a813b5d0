"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast an example is says how busy the machine is; and CI tries the same examples every time.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")
