"""How many examples properties are tried with: as many as each says, or more where asked for."""

from hypothesis import settings

TORTURE = "torture"
"""The profile that asks for many; see conftest.py."""


def examples(usual: int) -> int:
    """Return *usual*, or what the profile `torture` says where that is loaded and more."""
    if settings.get_current_profile_name() != TORTURE:
        return usual
    return max(usual, settings.get_profile(TORTURE).max_examples)
