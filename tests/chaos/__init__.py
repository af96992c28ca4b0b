"""The chaos suite: `bench run` under seeded faults, and what must hold after the next one. See `python -m tests.chaos --help`."""
