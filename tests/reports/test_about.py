"""What a profile is stands first in a report, and the claims that it drops stand behind the others."""

import csv
import io
import json
from dataclasses import replace

import pytest

from bench.reports.about import About
from bench.reports.check import check
from bench.reports.claims.results import NotAsked
from bench.reports.formats import FORMATS
from bench.reports.layout.claims import claims as laid_out
from bench.reports.layout.head import head

ABOUT = About("cpu", "not a replication: 1 % of the images", ["epochs 2 instead of 100", "1 claim not asked"])
SENTENCE = "not a replication: 1 % of the images. It differs from the suite itself: epochs 2 instead of 100; 1 claim not asked."
DROPPED = [
    NotAsked("denoising-helps", "the denoised images are as good", "no network of this size learns it; see [1] & *below*"),
    NotAsked("deeper-wins", "the deeper, the better"),
]
NO_REASON = "left out by the profile, no reason given"


@pytest.fixture
def small(claimed):
    return replace(claimed, profile="cpu", about=ABOUT, not_asked=DROPPED)


def render(report, format):
    return FORMATS[format].load().render(report)


def test_what_is_said_of_a_profile():
    assert ABOUT.sentence == SENTENCE
    assert replace(ABOUT, says="is it one?").sentence.startswith("is it one? It differs")
    assert replace(ABOUT, differences=[]).sentence == ABOUT.says
    assert About("cpu", "", ["seeds 3 instead of 5"]).sentence == "not the suite itself. It differs: seeds 3 instead of 5."
    assert (ABOUT.name, About("default").name) == ("Profile cpu", "Overrides")


def test_it_is_the_first_line_of_every_report(small):
    title, first = render(small, "markdown").split("\n\n")[:2]
    assert title == "# The bigger, the better?" and first == f"**Profile cpu**: {SENTENCE}"
    assert render(small, "latex").startswith(rf"\noindent\textbf{{Profile cpu}}: {SENTENCE}\par".replace("%", r"\%"))
    assert f'</h1>\n<p class="banner"><b>Profile cpu</b>: {SENTENCE}</p>' in render(small, "html")
    said = json.loads(render(small, "json"))
    assert said["about"] == f"Profile cpu: {SENTENCE}" and said["differences"] == ABOUT.differences


def test_the_suite_itself_has_nothing_to_add(claimed):
    for format in FORMATS:
        text = render(claimed, format)
        assert "differs from the suite" not in text and "not asked" not in text
    assert "about" not in json.loads(render(claimed, "json"))


def test_dropped_claims_are_counted_and_stand_last(small, claimed):
    assert head(small).startswith("10 claims: ") and ", 2 not asked in this profile. Of the" in head(small)
    assert ", 2 not asked. Of the" in head(replace(small, profile="default"))
    grid = laid_out(small)
    assert grid.rows[:-2] == laid_out(claimed).rows
    assert [row[0].lines for row in grid.rows[-2:]] == [
        ("denoising-helps", "“the denoised images are as good”"),
        ("deeper-wins", "“the deeper, the better”"),
    ]
    assert [row[1].lines for row in grid.rows[-2:]] == [("not asked", DROPPED[0].reason), ("not asked", NO_REASON)]


def test_a_report_of_dropped_claims_alone_lists_them(small):
    grid = laid_out(replace(small, claims=[]))
    assert grid.caption == "Claims of the report. 2 claims: 2 not asked in this profile." and len(grid.rows) == 2


def test_programs_read_dropped_claims_too(small):
    said = json.loads(render(small, "json"))
    told = {"name": "deeper-wins", "says": "the deeper, the better", "verdict": "not asked", "holds": None, "why": NO_REASON}
    assert said["claims"]["deeper-wins"] == told | {"parts": {}}
    assert said["verdicts"]["not_asked"] == 2
    *_, before, last = csv.DictReader(io.StringIO(render(small, "csv")))
    assert (before["table"], before["why"]) == ("denoising-helps", DROPPED[0].reason)
    assert (last["kind"], last["table"], last["verdict"], last["why"]) == ("claim", "deeper-wins", "not asked", NO_REASON)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_with_dropped_claims_agrees_with_itself(small, format):
    assert check(small, render(small, format), format) == []


@pytest.mark.parametrize("format", FORMATS)
def test_another_reason_and_a_claim_that_is_dropped_since_are_told(small, claimed, format):
    other = replace(small, not_asked=[DROPPED[0], replace(DROPPED[1], reason="no time")])
    (found,) = check(other, render(small, format), format)
    assert NO_REASON in found.said and "no time" in found.now
    silent = replace(small, not_asked=DROPPED[:1])
    assert any("deeper-wins" in str(difference) for difference in check(small, render(silent, format), format))
