"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A busy machine makes an example slow, not wrong: nothing that a test says depends on time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
