"""Who of an ensemble's members votes."""

import math
from collections.abc import Sequence

from bench.grammar.metrics import by_name
from bench.grammar.stages import Ensemble
from bench.runner.plan import Job
from bench.runner.planner import SAME


def chosen(spec: Ensemble, members: Sequence[Job]) -> list[Job]:
    """Return the share of the members that is best on validation, at least one, the best first; of equal ones, those declared
    first, and those of which nothing is known last. members: in the order in which the suite declares them."""
    lower = by_name(spec.rank).better == "lower"
    ranked = sorted(members, key=lambda job: _rank(spec, job) * (1 if lower else -1))
    return ranked[: max(1, round(spec.share * len(ranked)))]


def tied(spec: Ensemble, members: Sequence[Job], voters: Sequence[Job]) -> list[Job]:
    """Return the members that are as good as the last of the voters, and have no vote since they are declared after it."""
    voting = {job.trial.fingerprint for job in voters}
    worst = _rank(spec, voters[-1])
    non_voters = (job for job in members if job.trial.fingerprint not in voting)
    return [job for job in non_voters if math.isclose(_rank(spec, job), worst, rel_tol=SAME)]


def _rank(spec: Ensemble, job: Job) -> float:
    value = job.result.metrics.get(spec.rank)
    return value if value is not None else math.inf if by_name(spec.rank).better == "lower" else -math.inf
