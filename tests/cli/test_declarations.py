"""What was declared before the first trial, what changed since, and the lock file, through the command line."""

import json
import subprocess

import pytest

from bench.trackers import open_tracker

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base: {model: {name: simple_cnn}, train: {epochs: 1, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}}
seeds: 2
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.05, 0.1]}}}
  t: {axes: {lr: {path: train.optimizer.lr, values: [0.05, 0.2]}}}
tables:
  table: {title: Accuracy, stage: s, rows: lr, values: val/accuracy}
claims:
  same: {says: the rate hardly matters, metric: val/accuracy, stage: s, of: {lr: 0.1}, same_as: {lr: 0.05}, margin: 0.02}
  loss: {says: it learns faster, metric: val/loss, stage: t, of: {lr: 0.2}, lower_than: {lr: 0.05}}
profiles:
  other: {claims: {loss: null}}
"""
RUN = ("run", "tiny.yaml", "--executor", "inline", "--workers", "1", "--pack", "off", "--device", "cpu")
NOTHING_RECORDED = "**Declared**: not recorded: these trials ran before bench kept declarations, or something else logged them."


@pytest.fixture
def ran(bench, edit):
    """The suite, of which one stage has run."""
    answer = bench(*RUN, "--only", "s")
    assert answer.code == 0, answer.err
    return bench


def opening(answer) -> str:
    return next(line for line in answer.out.splitlines() if line.startswith("**Declared**"))


def table(answer) -> dict[str, list[str]]:
    """Return item → from, to, since, reason."""
    lines = answer.out.partition("## Declaration")[2].partition("\n## ")[0].splitlines()
    rows = [[cell.strip().replace("\\", "") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row[1:] for row in rows[2:]}


def verdicts(answer) -> dict[str, bool]:
    """Return claim → whether its verdict bears the remark `exploratory`."""
    lines = answer.out.partition("## Claims")[2].partition("\n## ")[0].splitlines()
    return {line.split("**")[1]: "exploratory)**" in line for line in lines if line.startswith("| **")}


def test_a_report_opens_with_what_was_declared_before_the_first_trial(ran):
    answer = ran("report", "tiny.yaml")
    assert opening(answer).startswith("**Declared**: before the first trial (20") and "commit unknown" in opening(answer)
    assert answer.out.index("**Declared**") < answer.out.index("\n## ") and "## Declaration" not in answer.out
    assert verdicts(answer) == {"same": False, "loss": False}
    declared = json.loads(ran("report", "tiny.yaml", "--json").out)["declared"]
    assert declared["same"] and declared["late"] == 0 and declared["changes"] == declared["exploratory"] == []


def test_a_margin_that_changed_after_the_first_trial_is_told_and_makes_its_claim_exploratory(ran, edit):
    edit(("margin: 0.02", "margin: 0.05"))
    answer = ran("report", "tiny.yaml")
    assert "1 item changed; see below. Exploratory, as a term of theirs changed: same." in opening(answer)
    assert table(answer) == {"claim same: margin": ["0.02", "0.05", "now, in no run yet", "–"]}
    assert verdicts(answer) == {"same": True, "loss": False}

    assert ran(*RUN).code == 0
    (row,) = table(ran("report", "tiny.yaml")).values()
    assert row[:2] == ["0.02", "0.05"] and row[2].endswith("UTC, after 4 runs")
    edit(("margin: 0.05", "margin: 0.02"))
    answer = ran("report", "tiny.yaml")
    assert "2 items changed, and back: the suite says today what it said then" in opening(answer)
    assert verdicts(answer) == {"same": False, "loss": False}


def test_a_sentence_that_was_reworded_is_told_alone(ran, edit):
    edit(("the rate hardly matters", "the rate does not matter"))
    answer = ran("report", "tiny.yaml")
    assert list(table(answer).values()) == [["the rate hardly matters", "the rate does not matter", "now, in no run yet", "–"]]
    assert "Exploratory" not in opening(answer) and verdicts(answer) == {"same": False, "loss": False}


def test_claims_that_were_added_and_dropped(ran, edit):
    edit(("  loss: {says: it learns faster", "  new: {says: it learns faster"))
    answer = ran("report", "tiny.yaml")
    assert {item: row[:2] for item, row in table(answer).items()} == {
        "claim loss": ["declared", "dropped"],
        "claim new": ["–", "added"],
    }
    assert verdicts(answer) == {"same": False, "new": True}


def test_alpha_touches_every_claim_and_seeds_those_of_their_stage(ran, edit):
    edit(("seeds: 2", "seeds: 2\nalpha: 0.01"), ("  t: {axes", "  t: {seeds: 3, axes"))
    answer = ran("report", "tiny.yaml")
    assert {item: row[:2] for item, row in table(answer).items()} == {
        "alpha": ["0.05", "0.01"],
        "seeds of stage t": ["0, 1", "0, 1, 2"],
    }
    assert verdicts(answer) == {"same": True, "loss": True}
    edit(("alpha: 0.01\n", ""))
    assert verdicts(ran("report", "tiny.yaml")) == {"same": False, "loss": True}


def test_profiles_have_declarations_of_their_own(ran):
    answer = ran("report", "tiny.yaml", "--profile", "other")
    assert "**Declared**" not in answer.out
    assert ran(*RUN, "--profile", "other", "--only", "s").code == 0
    assert "before the first trial" in opening(ran("report", "tiny.yaml", "--profile", "other"))


def test_runs_from_before_declarations_were_kept(bench, edit):
    tracker = open_tracker(f"sqlite:///{bench.folder}/mlflow.db")
    tracker.open("tiny", {})
    assert "**Declared**" not in bench("report", "tiny.yaml").out
    tracker.start("by hand", {"stage": "s", "axis.lr": "0.1", "seed": "0"}, {})
    answer = bench("report", "tiny.yaml")
    assert opening(answer) == NOTHING_RECORDED and "(exploratory)" not in answer.out
    assert bench(*RUN, "--only", "s").code == 0
    late = opening(bench("report", "tiny.yaml"))
    assert "not recorded before the first trial, but when 1 run was stored already (20" in late


def test_what_was_declared_before_a_run_that_made_no_trial_does_not_count(bench, edit, monkeypatch):
    from bench.runner.coordinator import Coordinator

    def stopped(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Coordinator, "run", stopped)
        assert bench(*RUN).code == 130
    edit(("margin: 0.02", "margin: 0.05"))
    assert bench(*RUN, "--only", "s").code == 0
    answer = bench("report", "tiny.yaml")
    assert "before the first trial" in opening(answer) and table(answer) == {} and not verdicts(answer)["same"]


def test_a_suite_is_locked_once_and_then_only_with_a_reason(bench, edit):
    answer = bench("lock", "tiny.yaml")
    assert (answer.code, answer.out) == (0, "tiny.lock: default: locked\ntiny.lock: other: locked\n")
    text = (bench.folder / "tiny.lock").read_text()
    assert "margin: 0.02" in text and "alpha: 0.05" in text and len(text.splitlines()) < 45
    assert bench("lock", "tiny.yaml").out == "tiny.lock: nothing has changed\n"

    edit(("margin: 0.02", "margin: 0.05"))
    refused = bench("lock", "tiny.yaml")
    assert refused.code == 1 and "tiny.lock: is locked, and tiny.yaml declares otherwise" in refused.err
    assert "default: claim same: margin: 0.02 → 0.05" in refused.err and "--reason" in refused.err
    assert (bench.folder / "tiny.lock").read_text() == text

    changed = bench("lock", "tiny.yaml", "--reason", "two points are\n what the report calls small", "--profile", "default")
    assert (changed.code, changed.out) == (0, "tiny.lock: default: claim same: margin: 0.02 → 0.05\n")
    text = (bench.folder / "tiny.lock").read_text()
    assert "reason: two points are what the report calls small" in text
    assert "claim same: margin" in text and "{from: '0.02', to: '0.05'}" in text
    assert bench("lock", "tiny.yaml", "--profile", "default").out == "tiny.lock: nothing has changed\n"
    assert "other: claim same: margin" in bench("lock", "tiny.yaml").err, "the other profile's is another lock"


def test_a_lock_holds_awkward_names_as_they_are(bench, edit):
    edit(("seeds: 2", "seeds: 2\nmetrics: {val/accuracy: {margin: 1.0e-05}}"), ("[0.05, 0.1]", "[0.05, 0.1, 1e-3]"))
    edit(("values: [0.05, 0.2]", 'levels: {"1e5": 0.1, no: 0.2, 2024-01-01: 0.3, x-é: 0.4}'))
    edit(("of: {lr: 0.2}, lower_than: {lr: 0.05}", 'of: {lr: "1e5"}, lower_than: {lr: [no, 2024-01-01, x-é]}'))
    edit(("says: the rate hardly matters", 'says: "the rate matters: yes # 1e5 – no \\U0001F600"'))
    assert bench("lock", "tiny.yaml").code == 0
    assert bench("lock", "tiny.yaml").out == "tiny.lock: nothing has changed\n"


def test_the_report_tells_reasons_and_deviations(ran, edit):
    assert ran("lock", "tiny.yaml").code == 0
    locked = opening(ran("report", "tiny.yaml"))
    assert "Locked in tiny.lock (20" in locked and locked.endswith("deviations, without a reason: none.")
    edit(("margin: 0.02", "margin: 0.05"))
    assert ran("lock", "tiny.yaml", "--reason", "a slip of the pen").code == 0
    edit(("it learns faster", "it learns much faster"))
    answer = ran("report", "tiny.yaml")
    assert {item: row[3] for item, row in table(answer).items()} == {
        "claim same: margin": "a slip of the pen",
        "claim loss: says": "none: a deviation",
    }
    assert opening(answer).endswith("deviations, without a reason: 1.")
    assert verdicts(answer)["same"], "a reason makes no confirmation of it"


def test_what_ran_otherwise_than_it_was_locked_is_a_deviation(bench, edit):
    assert bench("lock", "tiny.yaml").code == 0
    edit(("margin: 0.02", "margin: 0.05"))
    answer = bench(*RUN, "--only", "s")
    assert answer.code == 0 and "tiny.lock" in answer.err and "claim same: margin: 0.02 → 0.05" in answer.err
    answer = bench("report", "tiny.yaml")
    assert "before the first trial" in opening(answer) and opening(answer).endswith("deviations, without a reason: 1.")
    assert table(answer) == {"claim same: margin": ["0.02", "0.05", "before the first trial", "none: a deviation"]}
    assert not verdicts(answer)["same"]


def test_check_verifies_the_lock(ran, edit):
    assert ran("report", "tiny.yaml", "-o", "out", "--only", "s").code == 0
    check = ("report", "tiny.yaml", "--only", "s", "--check", "out/tiny.default.md")
    assert ran(*check).code == 0
    assert ran("lock", "tiny.yaml").code == 0
    assert ran(*check).code == 0
    edit(("it learns faster", "it learns much faster"))
    answer = ran(*check)
    told = "tiny.lock: the suite declares otherwise: claim loss: says: it learns faster → it learns much faster"
    assert answer.code == 1 and told in answer.out
    assert ran("lock", "tiny.yaml", "--reason", "plainer").code == 0
    assert ran("report", "tiny.yaml", "-o", "out", "--only", "s").code == 0 and ran(*check).code == 0


@pytest.mark.parametrize(
    "old, new, line, message",
    [
        ("margin: 0.02", "margin: 0.05", "sha256", "another hash: it was changed by hand"),
        ("suite: tiny", "suite: huge", "suite: huge", "is of suite 'huge', and tiny.yaml is 'tiny'"),
        ("    commit: unknown\n", "", "  default:", "'commit' is missing"),
        ("    commit: unknown\n", "    comit: unknown\n", "comit", "unknown key 'comit'"),
        ("profiles:\n", "profiles: [\n", None, "is not valid YAML"),
        ("      claims:", "      clams:", "clams", "cannot stand here"),
    ],
)
def test_a_bad_lock_file_is_told_with_its_line(ran, old, new, line, message):
    assert ran("lock", "tiny.yaml").code == 0
    path = ran.folder / "tiny.lock"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    number = next((i for i, said in enumerate(path.read_text().splitlines(), 1) if line and line in said), None)
    for words in (("report", "tiny.yaml"), ("lock", "tiny.yaml"), (*RUN, "--only", "s")):
        answer = ran(*words)
        assert answer.code == 1 and message in answer.err and "Traceback" not in answer.err
        assert f"tiny.lock:{number}: " in answer.err if number else "tiny.lock:" in answer.err
        assert answer.err.count("\n  ") >= 1, "what to do about it"


@pytest.mark.parametrize(
    "content", [b"", b"a list\n", b"- 1\n", b"\xff\xfe\x00", b"suite: tiny\nprofiles: {default: 3}\n", b"a: &a [*a]\n"]
)
def test_what_is_no_lock_file_at_all(bench, edit, content):
    (bench.folder / "tiny.lock").write_bytes(content)
    answer = bench("lock", "tiny.yaml")
    assert answer.code == 1 and answer.err.startswith("error: tiny.lock") and "Traceback" not in answer.err


def test_a_lock_file_is_taken_for_no_suite(bench, edit, monkeypatch):
    assert bench("lock", "tiny.yaml").code == 0
    assert bench("validate", "tiny.yaml", "--no-code").code == 0
    assert "tiny.lock" not in bench("ls", "suites").out
    answer = bench("validate", "tiny.lock", "--no-code")
    assert answer.code == 1 and "is a lock file" in answer.err


def test_the_lock_names_the_commit(bench, edit):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "tiny.yaml"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=bench.folder, check=True)
    head = subprocess.check_output(["git", "rev-parse", "--short=12", "HEAD"], cwd=bench.folder, text=True)
    assert bench("lock", "tiny.yaml").code == 0
    assert f"commit: {head.strip()}" in (bench.folder / "tiny.lock").read_text().replace("'", "")


def test_every_format_tells_the_changes_and_agrees_with_itself(ran, edit):
    assert ran("lock", "tiny.yaml").code == 0
    edit(("margin: 0.02", "margin: 0.05"), ("it learns faster", "it_learns 50% & faster |#1 `x`"))
    endings = {"markdown": "md", "latex": "tex", "html": "html", "json": "json", "csv": "csv"}
    words = [word for form in endings for word in ("--format", form)]
    assert ran("report", "tiny.yaml", "--only", "s", *words, "-o", "out").code == 0
    for form, ending in endings.items():
        text = (ran.folder / f"out/tiny.default.{ending}").read_text()
        if form in ("markdown", "latex", "html"):
            assert "before the first trial" in text and "claim same: margin" in text and "none: a deviation" in text
        answer = ran("report", "tiny.yaml", "--only", "s", "--check", f"out/tiny.default.{ending}")
        assert "agrees with the stored runs" in answer.out, answer.out
    declared = json.loads((ran.folder / "out/tiny.default.json").read_text())["declared"]
    assert declared["exploratory"] == ["same"] and declared["lock"] == "tiny.lock"
    deviations = {change["item"]: change["deviates"] for change in declared["changes"]}
    assert deviations == {"claim same: margin": True, "claim loss: says": True}


def test_from_python(ran, edit, monkeypatch):
    import bench
    from bench.api.locking import lock

    monkeypatch.chdir(ran.folder)
    suite = bench.load("tiny.yaml", tracker=f"sqlite:///{ran.folder}/mlflow.db")
    assert suite.report().check_lock() == []
    assert lock("tiny.yaml", "default").new == ["default"] and lock("tiny.yaml", "default").new == []
    edit(("margin: 0.02", "margin: 0.05"))
    with pytest.raises(bench.BenchError, match="is locked, and tiny"):
        lock("tiny.yaml")
    report = bench.load("tiny.yaml", tracker=suite.tracker).report()
    assert report.data.declared.exploratory == {"same"} and report.data.is_exploratory("same")
    assert report.check_lock() == ["tiny.lock: the suite declares otherwise: claim same: margin: 0.02 → 0.05"]
    (change,) = lock("tiny.yaml", reason="a slip").changes["default"]
    assert change.item == "claim same: margin" and report.check_lock() == []
