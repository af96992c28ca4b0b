"""From stored runs to a report: records, statistics, claims, tables, layout, formats. Knows nothing of how trials are run."""
