"""The formats of reports and of their figures, by name. A module of its own: `bench report --help` need not load the rest."""

FORMATS = ("markdown", "latex", "html", "json", "csv")
"""The formats of a report: the names of `bench.reports.FORMATS`."""
IMAGES = ("svg", "pdf", "png")
"""The formats of its figures."""
EMBEDDED = {"markdown": ("svg", "png"), "latex": ("pdf", "png")}
"""format → the images that it can show, the best first. HTML carries its own."""
