"""Training and evaluation of one configured trial; knows nothing of suites, Optuna, MLflow or the command line."""

from bench.training.losses import LOSSES
from bench.training.member import Result
from bench.training.numerics import check_device
from bench.training.optimizers import OPTIMIZERS, SCHEDULES
from bench.training.probe import ProbedSpeed, probe
from bench.training.trial import run_trial, run_trials

__all__ = ["LOSSES", "OPTIMIZERS", "SCHEDULES", "ProbedSpeed", "Result", "check_device", "probe", "run_trial", "run_trials"]
