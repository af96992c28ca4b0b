"""One search of a stage: an Optuna study that draws configurations and prunes, rebuilt from the tracker at any moment."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from bench.grammar import stages
from bench.grammar.metrics import by_name
from bench.runner.planner import SEED
from bench.trackers import StoredRun, record
from bench.trackers.record import Outcome

History = Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]
"""run id → metric → [(epoch, value), …]"""


class OptunaSearch:
    """Draws, judges and remembers the trials of one search.

    spec: the suite's. seeds: of which each trial draws one, if several. name: of the study. Every trial's draw is seeded by
    its number, so that a search that was interrupted goes on with other draws than those it has had.
    """

    def __init__(self, spec: stages.Search, seeds: Sequence[int], name: str):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.spec, self.name = spec, name
        self.space: dict[str, BaseDistribution] = {name: _distribution(parameter) for name, parameter in spec.space.items()}
        if len(seeds) > 1:
            self.space[SEED] = CategoricalDistribution([str(seed) for seed in seeds])
        direction: Literal["minimize", "maximize"] = "minimize" if by_name(spec.metric).better == "lower" else "maximize"
        self.study = optuna.create_study(study_name=name, direction=direction, pruner=_pruner(spec.pruner))

    @property
    def is_random(self) -> bool:
        """Whether what it draws does not hang on results, so that it may draw ahead."""
        return isinstance(self.spec.sampler, stages.RandomSampler)

    def remember(self, runs: Iterable[StoredRun], histories: History) -> None:
        """Take in the trials that have run, in the order in which they began: what they drew, how they went, how they ended."""
        for run in sorted(runs, key=lambda run: run.start):
            trial = self.again(record.parameters(run))
            for epoch, value in histories.get(run.run_id, {}).get(self.spec.metric, ()):
                self.goes_on(trial, epoch, value)
            self.tell(trial, record.outcome(run), run.metrics)

    def draw(self, number: int) -> Trial:
        """Return the next trial. number: its place in the search."""
        # a long digest, since seeds near each other may give draws near each other
        digest = hashlib.sha256(f"{self.spec.seed}/{self.name}/{number}".encode()).digest()
        self.study.sampler = _sampler(self.spec.sampler, int.from_bytes(digest[:4], "big"))
        return self.study.ask(self.space)

    def again(self, parameters: Mapping[str, str]) -> Trial:
        """Return a trial with parameters that were drawn before, as text."""
        self.study.enqueue_trial({name: _parsed(self.space[name], parameters[name]) for name in self.space})
        return self.study.ask(self.space)

    def text(self, trial: Trial) -> dict[str, str]:
        """Return what a trial drew, as text from which it can be read again exactly."""
        return {name: str(value) for name, value in trial.params.items()}

    def goes_on(self, trial: Trial, epoch: int, value: float) -> bool:
        """Take in a trial's metric after an epoch, and tell whether it should go on."""
        trial.report(value, epoch)
        return not trial.should_prune()

    def tell(self, trial: Trial, outcome: Outcome, metrics: Mapping[str, float]) -> None:
        """Take in how a trial ended."""
        value = metrics.get(self.spec.metric)
        if outcome is Outcome.PRUNED:
            self.study.tell(trial, state=TrialState.PRUNED)
        elif outcome is Outcome.FINISHED and value is not None:
            self.study.tell(trial, value)
        else:
            self.study.tell(trial, state=TrialState.FAIL)


def importances(spec: stages.Search, runs: Iterable[StoredRun]) -> dict[str, float]:
    """Return what share of the variance of a search's objective each parameter explains by itself, the largest first; together 1.

    By functional ANOVA of a random forest (Hutter, Hoos and Leyton-Brown 2014), over the trials that finished, as Optuna does. Of
    several seeds the seed is a parameter, too. {} where there are fewer than two such trials, or all came to the same.
    """
    done = [
        run
        for run in runs
        if record.outcome(run) is Outcome.FINISHED
        and math.isfinite(run.metrics.get(spec.metric, math.nan))
        and spec.space.keys() <= record.parameters(run).keys()
    ]
    if len({run.metrics[spec.metric] for run in done}) < 2:
        return {}
    seeds = sorted({int(seed) for run in done if (seed := record.parameters(run).get(SEED)) is not None})
    search = OptunaSearch(spec, seeds, "importances")
    search.remember(done, {})
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(search.study, evaluator=evaluator))


def _distribution(parameter: stages.Range | Mapping[str, Any]) -> BaseDistribution:
    if not isinstance(parameter, stages.Range):
        return CategoricalDistribution(list(parameter))
    if parameter.whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log, step=int(parameter.step or 1))
    return FloatDistribution(float(parameter.low), float(parameter.high), log=parameter.log, step=parameter.step)


def _parsed(distribution: BaseDistribution, text: str) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return text
    return int(text) if isinstance(distribution, IntDistribution) else float(text)


def _sampler(spec: Any, seed: int) -> BaseSampler:
    if isinstance(spec, stages.TPESampler):
        return TPESampler(n_startup_trials=spec.startup, constant_liar=True, seed=seed)
    if isinstance(spec, stages.GPSampler):
        return GPSampler(n_startup_trials=spec.startup, seed=seed)
    return RandomSampler(seed)


def _pruner(spec: Any) -> BasePruner:
    if isinstance(spec, stages.ASHA):
        return SuccessiveHalvingPruner(min_resource=spec.min_epochs, reduction_factor=spec.factor)
    if isinstance(spec, stages.MedianStopping):
        return MedianPruner(n_startup_trials=spec.startup, n_warmup_steps=spec.warmup + 1)  # epochs count from 1
    return NopPruner()
