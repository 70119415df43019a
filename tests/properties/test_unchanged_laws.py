"""What is left out of an export, because nothing about it changed, makes no difference."""

from hypothesis import HealthCheck, settings

from thoroughness import examples
from two_shops import TwoShops

TestTwoShops = TwoShops.TestCase
TestTwoShops.settings = settings(
    max_examples=examples(20),
    stateful_step_count=12,
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
