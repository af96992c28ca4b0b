"""A report as text, as files, and held against files."""

import json
import re
from pathlib import Path

import pytest

import bench
from bench import BenchError
from bench.api.formats import FORMATS

STANDARD = """\
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}, batch: {path: train.batch_size, values: [16, 32]}}}
  tuning:
    axes: {model: {small: {}, large: {model: {args: {hidden: 16}}}}}
    search: {trials: 2, space: {lr: {path: train.optimizer.lr, low: 0.001, high: 0.1}}}
  other: {search: {trials: 2, space: {lr: {path: train.optimizer.lr, low: 0.001, high: 0.1}}}}
tables:
  t: {stage: s, rows: lr, columns: batch, values: val/accuracy}
  classes: {stage: s, rows: class, columns: [lr, batch], values: test/class_accuracy/*}
claims:
  faster: {says: it is, stage: s, metric: val/accuracy, of: {batch: 16, lr: 0.1}, higher_than: {lr: 0.01}}
"""


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_says_which_suite_and_what_came_of_it(shown, format):
    text = shown.report().render(format)
    names = ("\nclaim,same,val/loss,", "\nsummary,o,") if format == "csv" else ("A small suite", "diverged")
    assert all(name in text for name in (*names, "equivalent", "val/loss", "0.01"))
    assert text == shown.report().render(format), "the same runs give the same text"


def test_markdown_is_the_default_and_can_do_without_its_list_of_runs(shown):
    report = shown.report()
    assert report.render() == report.render("markdown") and "<!-- runs" in report.render()
    without = report.render(with_runs=False)
    assert "<!-- runs" not in without and report.render().startswith(without.rstrip())
    assert report.suite is shown.suite and len(report.records) == 18 and not report.complete


def test_a_format_that_is_not_there(shown, folder):
    for ask in (lambda: shown.report().render("word"), lambda: shown.report().write(folder, ["word"])):
        with pytest.raises(BenchError, match="no format 'word'") as error:
            ask()
        assert error.value.mend == "one of markdown, latex, html, json, csv"


def test_it_is_written_with_its_figures(shown, folder):
    report = shown.report(figures=True)
    paths = report.write(folder / "new" / "out", FORMATS, figures=["svg", "png", "svg"])
    figures = [f"shown.default.figures/{name}.{kind}" for kind in ("svg", "png") for name in ("t-dots", "o-dots", "claims")]
    endings = ["md", "tex", "html", "json", "csv"]
    out = folder / "new" / "out"
    assert paths == [out / name for name in (*figures, *(f"shown.default.{ending}" for ending in endings))]
    assert all(path.stat().st_size for path in paths)
    markdown, latex = ((out / f"shown.default.{ending}").read_text() for ending in ("md", "tex"))
    assert re.findall(r"\]\(<(shown\.default\.figures/[^>]+)>\)", markdown) == [figures[2], *figures[:2]]
    assert "shown.default.figures/t-dots.png" in latex and ".svg" not in latex
    assert json.loads((out / "shown.default.json").read_text())["figures"].keys() == {"t-dots", "o-dots", "claims"}


def test_numbers_link_to_a_server_only_where_one_is_named(shown):
    here = shown.report().render("html")
    assert 'href="http' not in here and "mlflow ui --backend-store-uri sqlite:///" in here
    there = shown.report(mlflow_url="http://host:5000/").render("html")
    assert re.search(r'href="http://host:5000/#/experiments/\d+/runs/[0-9a-f]{32}"', there) and "mlflow ui" not in there
    with pytest.raises(BenchError, match="'host' is not the address of a server") as error:
        shown.report(mlflow_url="host")
    assert error.value.where == "--mlflow-url"


def test_without_figures_it_is_one_file_in_the_format_asked_for(shown, folder):
    report = shown.report()
    assert report.data.figures == [] and report.write(folder, figures=["svg"]) == [folder / "shown.default.md"]
    assert (folder / "shown.default.md").read_text() == report.render()
    assert report.write(str(folder), ["csv"]) == [folder / "shown.default.csv"]


def test_where_nothing_can_be_written(shown, folder):
    (folder / "file").write_text("")
    with pytest.raises(BenchError, match="cannot be written") as error:
        shown.report().write(folder / "file")
    assert error.value.where == str(folder / "file" / "shown.default.md")


@pytest.mark.parametrize("format", FORMATS)
def test_what_it_has_written_agrees_and_a_changed_number_does_not(shown, folder, format):
    report = shown.report()
    (path,) = report.write(folder, [format])
    assert report.check(path) == [] and report.check(str(path)) == []
    if format in ("markdown", "latex"):
        mean = {"markdown": r"(\d+\.\d) ± ", "latex": r"(\d+\.\d) *\$?\\pm"}[format]
        text = path.read_text()
        at = re.search(mean, text[text.index("lr") :])
        changed = text.replace(at[0], at[0].replace(at[1], f"{float(at[1]) + 20:.1f}"), 1)
        assert changed != text
        path.write_text(changed)
        (found, *_) = report.check(path)
        assert "t" in str(found)


def test_a_file_that_cannot_be_checked(shown, folder):
    report = shown.report()
    with pytest.raises(BenchError, match=r"ends with \.md, \.tex, \.html, \.json, \.csv"):
        report.check(folder / "report.doc")
    with pytest.raises(BenchError, match=r"gone\.md: cannot be read: No such file"):
        report.check("gone.md")
    Path("photo.md").write_bytes(b"\xff\xd8")
    with pytest.raises(BenchError, match=r"photo\.md: cannot be read"):
        report.check("photo.md")


def drawn(suite: bench.api.LoadedSuite) -> dict[str, str]:
    return {figure.name: figure.kind for figure in suite.report(figures=True).data.figures}


def test_what_is_drawn_of_a_suite_that_does_not_say(write):
    path = write(STANDARD, changes={"epochs: 1,": "epochs: 1, class_metrics: [accuracy],"})
    assert drawn(bench.load(path)) == {
        "t-dots": "dots", "tuning-trials": "trials", "other-trials": "trials", "claims": "forest",
    }  # fmt: skip
    assert drawn(bench.load(path, only=["other"])) == {"other-trials": "trials", "claims": "forest"}
    assert bench.load(path).report().data.figures == [], "they take time"


def test_a_search_with_another_axis_has_a_panel_for_each_of_its_levels(write, inline):
    path = write(STANDARD, changes={"epochs: 1,": "epochs: 1, class_metrics: [accuracy],"})
    suite = bench.load(path, only=["tuning", "other"])
    suite.run(**inline)
    found = {figure.name: figure.data for figure in suite.report(figures=True).data.figures}
    tuning = {panel: len(trials) for panel, trials in found["tuning-trials"].panels.items()}
    assert tuning == {"model = small": 2, "model = large": 2}
    assert [len(trials) for trials in found["other-trials"].panels.values()] == [2]


def test_what_is_drawn_of_a_suite_that_says_so(write):
    said = STANDARD + "figures:\n  mine: {kind: boxes, table: t}\n  hunt: {kind: trials, stage: other}\n"
    path = write(said, changes={"epochs: 1,": "epochs: 1, class_metrics: [accuracy],"})
    assert drawn(bench.load(path)) == {"mine": "boxes", "hunt": "trials"}
    assert drawn(bench.load(path, only=["other"])) == {"hunt": "trials"}, "but for what was left out"
