"""What notebooks and the command line call: load a suite, then validate, plan, run and report it.

    import bench

    suite = bench.load("suites/noise_vs_complexity.yaml", profile="quick")
    suite.run()
    suite.report().frame()     # a row a trial: its axes, seed and every metric
    suite.report().claims()    # the verdicts

Names are imported when first used: `bench report --help` need not load Optuna.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.api.bundle.export import Exported as Exported
    from bench.api.bundle.incoming import Imported as Imported
    from bench.api.bundle.incoming import Verified as Verified
    from bench.api.bundle.incoming import import_bundle as import_bundle
    from bench.api.bundle.incoming import verify as verify
    from bench.api.cleaning import Leftover as Leftover
    from bench.api.comparing import Comparison as Comparison
    from bench.api.comparing import compare as compare
    from bench.api.plan import Forecast as Forecast
    from bench.api.report import Report as Report
    from bench.api.run import Listener as Listener
    from bench.api.run import RunResult as RunResult
    from bench.api.suite import LoadedSuite as LoadedSuite
    from bench.api.suite import load as load
    from bench.api.validation import Validation as Validation
    from bench.api.validation import validate as validate
    from bench.api.validation import write_schemas as write_schemas
    from bench.runner.coordinator import Summary as Summary
    from bench.runner.messages import Denoised as Denoised
    from bench.runner.plan import Job as Job
    from bench.runner.plan import Plan as Plan
    from bench.runner.writer import Outage as Outage
    from bench.trackers.record import Outcome as Outcome

_PLACES = {
    "Comparison": "bench.api.comparing",
    "Denoised": "bench.runner.messages",
    "Exported": "bench.api.bundle.export",
    "Forecast": "bench.api.plan",
    "Imported": "bench.api.bundle.incoming",
    "Job": "bench.runner.plan",
    "Leftover": "bench.api.cleaning",
    "Listener": "bench.api.run",
    "LoadedSuite": "bench.api.suite",
    "Outage": "bench.runner.writer",
    "Outcome": "bench.trackers.record",
    "Plan": "bench.runner.plan",
    "Report": "bench.api.report",
    "RunResult": "bench.api.run",
    "Summary": "bench.runner.coordinator",
    "Verified": "bench.api.bundle.incoming",
    "Validation": "bench.api.validation",
    "compare": "bench.api.comparing",
    "import_bundle": "bench.api.bundle.incoming",
    "load": "bench.api.suite",
    "validate": "bench.api.validation",
    "verify": "bench.api.bundle.incoming",
    "write_schemas": "bench.api.validation",
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
