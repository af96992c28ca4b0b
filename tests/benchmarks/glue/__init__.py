"""One suite done in several ways, each in a process of its own: `python -m glue JOB RESULT`, two JSON files."""
