"""Figures of a report: what to draw, as data (`build`), and the drawing itself (`draw`, `render`)."""
