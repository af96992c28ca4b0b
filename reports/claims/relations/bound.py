"""The subject is at least, or at most, as high as another arm or a number: non-inferiority, at the margin that is declared."""

from bench.reports.claims.relations.two import OfTwo
from bench.reports.claims.rules import Rule


class Bound(OfTwo):
    needs_margin = True
    remark = "For at_least and at_most, p is that of the margin (non-inferiority)."


RELATIONS = (
    Bound("at_least", Rule("not beyond", 1), "is at least, give or take the margin,", " that"),
    Bound("at_most", Rule("not beyond", -1), "is at most, give or take the margin,", " that"),
)
