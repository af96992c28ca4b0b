"""The subject is higher, or lower, than another arm or a number; or it differs from it."""

from bench.reports.claims.relations.two import OfTwo
from bench.reports.claims.rules import Rule

RELATIONS = (
    OfTwo("higher_than", Rule("beyond", 1), "is higher than"),
    OfTwo("lower_than", Rule("beyond", -1), "is lower than"),
    OfTwo("differs_from", Rule("differs"), "differs from", " that"),
)
