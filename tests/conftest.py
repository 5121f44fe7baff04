"""Settings of all tests."""

from hypothesis import settings

# No timed assertion, hypothesis' own deadline for an example included: machines are noisy.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
