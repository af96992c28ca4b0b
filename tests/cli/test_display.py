"""What a run says of its store."""

from types import SimpleNamespace

from bench.cli.display import Display
from bench.runner.coordinator import Summary
from bench.runner.writer import Outage

OUTAGE = Outage("12:00:00", "the store is down", 2)


def test_an_outage_is_told_between_rounds_too_whatever_was_told_in_the_round(capsys):
    with Display(SimpleNamespace()) as display:
        display.round_began(SimpleNamespace(todo=list, counts=dict, jobs={}), 1)
        display.store(OUTAGE)
        display.round_ended(Summary())
        capsys.readouterr()
        for _ in range(3):
            display.store(OUTAGE)
        display.store(None)
    said = capsys.readouterr().out.splitlines()
    assert said == ["store unreachable since 12:00:00, 2 results waiting (the store is down)", "the store answers again"]
