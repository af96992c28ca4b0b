"""Which packages are installed. The folders `reports` and `trackers` are imported as `bench.reports` and `bench.trackers`."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["bench", "bench.*"]),
        *(f"bench.{name}" for name in find_packages(include=["reports", "reports.*", "trackers", "trackers.*"])),
    ]
)
