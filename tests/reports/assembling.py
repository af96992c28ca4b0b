"""Reports on made-up suites."""

from types import SimpleNamespace

from bench.reports import report


def assemble(name, title, profile, tables, records, *, claims=None, schedules=None, searches=None, not_asked=(), **options):
    """See `bench.reports.report.assemble`, of a suite with these parts."""
    asked = {"tested_claims": claims or {}, "schedules": schedules or {}, "searches": searches or {}, "not_asked": not_asked}
    return report.assemble(SimpleNamespace(name=name, title=title, profile=profile, tables=tables, **asked), records, **options)
