"""Results that travel: a suite's runs with its files and its report, as one archive with checksums."""
