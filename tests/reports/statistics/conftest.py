"""Hypothesis does not time these tests: the first call of a statistic imports scipy."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
