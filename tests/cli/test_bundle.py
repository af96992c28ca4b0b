"""`bench export`, `bench import` and `bench verify`: results that travel, and a store whose folder is moved."""

import getpass
import json
import platform
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

import bench as api
from bench.api.bundle.archive import Archive
from bench.api.bundle.views import Bundle
from bench.errors import BenchError
from bench.trackers import open_tracker, record

from ..trackers.toy import Toy

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base:
  model: {name: simple_cnn}
  train: {epochs: 2, batch_size: 32, loss: {name: "parts:loss"}, optimizer: {name: sgd, lr: 0.05}}
seeds: 3
stages:
  s:
    axes:
      lr: {path: train.optimizer.lr, values: [0.05, 0.3]}
tables:
  t: {title: Accuracy by rate, stage: s, rows: lr, values: [val/accuracy, test/accuracy]}
claims:
  faster:
    says: the higher the better, also beyond these images
    metric: test/accuracy
    stage: s
    of: {lr: 0.3}
    higher_than: {lr: 0.05}
    test: crossed
figures:
  matrix: {kind: confusion, stage: s, panels: lr}
  claims: {kind: forest}
"""
PARTS = """\
from torch.nn import functional


def loss(scores, targets, options, context):
    return functional.cross_entropy(scores, targets)
"""
FORMATS = ("markdown", "latex", "html", "json", "csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a suite that has run once, in a repository of its author's."""
    folder = tmp_path_factory.mktemp("made-by-quentin")
    (folder / "tiny.yaml").write_text(SUITE)
    (folder / "parts.py").write_text(PARTS)
    git = ["git", "-c", "user.name=Quentin Zimmer", "-c", "user.email=qzimmer@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "a suite"]):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(getpass, "getuser", lambda: "qzimmer")
        patch.setattr(platform, "node", lambda: "quentins-laptop.example.org")
        api.load(folder / "tiny.yaml", tracker=uri).run(executor="inline")
    return folder


@pytest.fixture
def here(made, bench):
    """The same as a copy, at the place of the command line."""
    shutil.copytree(made, bench.folder, dirs_exist_ok=True)
    return bench


@pytest.fixture
def bundle(here):
    answer = here("export", "tiny.yaml", "-o", "out/bundle.zip")
    assert answer.code == 0, answer.err
    assert "6 runs" in answer.out
    return here.folder / "out" / "bundle.zip"


def texts(suite, ids):
    """The report in every format, with run ids as they were made, and no links."""
    report = suite.report(figures=True)
    result = {}
    for form in FORMATS:
        text = report.render(form)
        for new, old in ids.items():
            text = text.replace(new, old).replace(new[:8], old[:8]).replace(new[:6], old[:6])
        result[form] = re.sub(r'<a class="run"[^>]*>|<a [^>]*href="http[^>]*>|</a>|<span[^>]*title="run[^>]*>|</span>', "", text)
    return result


def test_the_report_is_the_same_after_the_journey(bundle, here, tmp_path):
    away = tmp_path / "elsewhere"
    uri = f"sqlite:///{away}/mlflow.db"
    answer = here("import", bundle, "-o", away, MLFLOW_TRACKING_URI=uri)
    assert answer.code == 0, answer.err
    assert "tiny: 6 runs imported, 0 already there" in answer.out
    assert (away / "parts.py").read_text() == PARTS

    before = api.load(here.folder / "tiny.yaml", tracker=f"sqlite:///{here.folder}/mlflow.db")
    after = api.load(away / "tiny.yaml", tracker=uri)
    runs = after.tracker.runs("tiny")
    ids = {run.run_id: record.origin_id(run) for run in runs}
    assert set(ids.values()) == {run.run_id for run in before.tracker.runs("tiny")}
    assert texts(before, {}).keys() == texts(after, ids).keys()
    for form, text in texts(before, {}).items():
        assert texts(after, ids)[form] == text, form
    assert "images" in after.report().claims().why.iloc[0] or after.report().claims().p.notna().all()
    with zipfile.ZipFile(bundle) as opened:
        opened.extractall(away / "opened")
    for ending in ("md", "html", "json"):
        checked = here(
            "report", away / "tiny.yaml", "--check", away / f"opened/report/tiny.default.{ending}", MLFLOW_TRACKING_URI=uri
        )
        assert checked.code == 0, checked.out
    assert here("status", away / "tiny.yaml", MLFLOW_TRACKING_URI=uri).code == 0
    assert after.tracker.artifact(runs[0].run_id, "predictions.npz") is None

    first, again = before.tracker.runs("tiny"), after.tracker.runs("tiny")
    names = sorted(first[0].metrics)
    old = before.tracker.histories([run.run_id for run in first], names)
    new = after.tracker.histories([run.run_id for run in again], names)
    assert {ids[run_id]: curves for run_id, curves in new.items()} == old
    assert [run.metrics for run in again] == [run.metrics for run in first]
    assert [(run.start, run.end) for run in again] == [(run.start, run.end) for run in first]
    details = before.tracker.details(list(ids.values()))
    assert {ids[run]: found for run, found in after.tracker.details(list(ids)).items()} == details
    assert all(found.params and found.name for found in details.values())


def test_a_second_import_does_nothing_and_a_trial_that_is_there_is_not_doubled(bundle, here, tmp_path):
    assert "0 runs imported, 6 already there" in here("import", bundle).out  # where it was made
    uri = f"sqlite:///{tmp_path}/other/mlflow.db"
    here("import", bundle, MLFLOW_TRACKING_URI=uri)
    store = open_tracker(uri).runs("tiny")
    answer = here("import", bundle, MLFLOW_TRACKING_URI=uri)
    assert (answer.code, "0 runs imported, 6 already there" in answer.out) == (0, True)
    assert open_tracker(uri).runs("tiny") == store

    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(here.folder / "tiny.yaml", own)
    shutil.copy(here.folder / "parts.py", own)
    suite = api.load(own / "tiny.yaml", tracker=f"sqlite:///{own}/mlflow.db", only=["s[lr=0.05]"])
    suite.run(executor="inline")  # three of the trials, made here
    answer = here("import", bundle, MLFLOW_TRACKING_URI=f"sqlite:///{own}/mlflow.db")
    assert "3 runs imported, 3 already there" in answer.out
    assert api.load(own / "tiny.yaml", tracker=f"sqlite:///{own}/mlflow.db").report().complete


def test_an_import_that_was_stopped_is_taken_up(bundle, tmp_path):
    class Full(Toy):
        left = 2

        def finish(self, run_id, **what):
            self.left -= 1
            if self.left < 0:
                raise BenchError("the disk is full")
            super().finish(run_id, **what)

    with pytest.raises(BenchError, match="disk is full"):
        api.import_bundle(bundle, Full(tmp_path / "toy"))
    again = api.import_bundle(bundle, Toy(tmp_path / "toy"))
    assert (again.new, again.there) == (4, 2)
    runs = Toy(tmp_path / "toy").runs("tiny")
    assert sorted(run.status for run in runs) == [*["FINISHED"] * 6, "KILLED"]
    assert api.import_bundle(bundle, Toy(tmp_path / "toy")).new == 0


def test_bundles_travel_through_any_store(bundle, here, tmp_path):
    api.import_bundle(bundle, Toy(tmp_path / "toy"))
    suite = api.load(here.folder / "tiny.yaml", tracker=Toy(tmp_path / "toy"))
    assert suite.status().complete and suite.report().complete
    suite.export(tmp_path / "second.zip")
    with Archive(bundle) as first, Archive(tmp_path / "second.zip") as second:
        assert {record.origin_id(run) for run in Bundle(second).runs("tiny")} == {
            run.run_id for run in Bundle(first).runs("tiny")
        }
    assert api.verify(tmp_path / "second.zip").problems == []


def test_a_full_bundle_has_probabilities(here, tmp_path):
    assert here("export", "tiny.yaml", "--full", "-o", tmp_path / "full.zip").code == 0
    store = Toy(tmp_path / "toy")
    api.import_bundle(tmp_path / "full.zip", store)
    before = open_tracker(f"sqlite:///{here.folder}/mlflow.db")
    for run in store.runs("tiny"):
        assert store.artifact(run.run_id, "predictions.npz") == before.artifact(record.origin_id(run), "predictions.npz")


def test_superseded_runs_travel_in_full_only(here, tmp_path):
    tracker = open_tracker(f"sqlite:///{here.folder}/mlflow.db")
    tracker.tag(tracker.runs("tiny")[:1], record.SUPERSEDED)
    suite = api.load(here.folder / "tiny.yaml", tracker=tracker)
    assert suite.export(tmp_path / "small.zip").runs == 5
    assert suite.export(tmp_path / "full.zip", full=True).runs == 6


def test_an_export_is_whole_or_not_there(here, tmp_path):
    assert (
        here("export", "tiny.yaml", "-o", tmp_path / "a.zip").code == here("export", "tiny.yaml", "-o", tmp_path / "b.zip").code
    )
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    (tmp_path / "folder.zip").mkdir()
    answer = here("export", "tiny.yaml", "-o", tmp_path / "folder.zip")
    assert answer.code == 1 and "folder.zip: cannot be written" in answer.err
    assert {path.name for path in tmp_path.glob("*") if path.suffix == ".part"} == set()
    (here.folder / "other.yaml").write_text(SUITE.replace("suite: tiny", "suite: other"))
    answer = here("export", "other.yaml", "-o", tmp_path / "c.zip")
    assert answer.code == 1 and "no runs to export" in answer.err and not (tmp_path / "c.zip").exists()


def test_verify_finds_every_damaged_byte(bundle, here):
    assert here("verify", bundle).code == 0
    whole = bundle.read_bytes()
    for at in [
        0,
        5,
        11,
        40,
        len(whole) // 3,
        len(whole) // 2,
        len(whole) - 3000,
        len(whole) - 90,
        len(whole) - 70,
        len(whole) - 1,
    ]:
        bundle.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        answer = here("verify", bundle)
        assert answer.code == 1, (at, answer.out)
        assert "bundle.zip" in answer.out
        assert here("import", bundle, MLFLOW_TRACKING_URI=f"sqlite:///{here.folder}/new.db").code == 1, at
        assert not (here.folder / "new.db").exists()
    for size in (0, 100, len(whole) // 2, len(whole) - 1):
        bundle.write_bytes(whole[:size])
        assert here("verify", bundle).code == 1, size
    assert here("verify", "absent.zip").code == 1


def repacked(bundle: Path, change) -> Path:
    """The bundle as another program packs it, after a change of its files."""
    with zipfile.ZipFile(bundle) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return bundle


def test_verify_finds_what_is_missing_or_was_put_there(bundle, here):
    assert here("verify", repacked(bundle, lambda files: files.update({"runs/": b""}))).code == 0
    original = bundle.read_bytes()
    run = next(name for name in zipfile.ZipFile(bundle).namelist() if name.endswith("run.json"))

    def changed(files):
        files[run] = files[run].replace(b"FINISHED", b"FAILED__")

    for change, says in (
        (lambda files: files.pop(run), f"{run} is missing"),
        (changed, f"{run} is damaged"),
        (lambda files: files.update(extra=b"x"), "extra is not in the manifest"),
        (lambda files: files.pop("manifest.json"), "has no manifest.json"),
    ):
        bundle.write_bytes(original)
        answer = here("verify", repacked(bundle, change))
        assert answer.code == 1 and says in answer.out


@pytest.mark.parametrize("name", ["../evil", "/evil", "suite/../../evil", "C:evil", "suite\\..\\evil"])
def test_what_would_lie_elsewhere_is_refused(bundle, here, tmp_path, name):
    repacked(bundle, lambda files: files.update({name: b"x"}))
    for words in (["verify", bundle], ["import", bundle, "-o", tmp_path / "a" / "b"]):
        answer = here(*words)
        assert answer.code == 1 and "would lie outside" in answer.out + answer.err
    assert not [*tmp_path.rglob("evil")]


def test_an_archive_that_would_fill_the_disk_is_refused(bundle, here, tmp_path):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("manifest.json", "w") as file:
        for _ in range(300):
            file.write(bytes(2**20))
    answer = here("verify", bomb)
    assert answer.code == 1 and "is refused: it says that" in answer.out


def test_an_incomplete_bundle_says_so(here, tmp_path):
    (here.folder / "tiny.yaml").write_text(SUITE.replace("seeds: 3", "seeds: 4"))
    assert here("export", "tiny.yaml", "-o", tmp_path / "some.zip").code == 3
    answer = here("verify", tmp_path / "some.zip")
    assert answer.code == 3 and "not every planned trial has a result" in answer.out


def test_import_writes_over_no_other_file(bundle, here, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "parts.py").write_text("mine")
    answer = here("import", bundle, "-o", tmp_path / "there", MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/new.db")
    assert answer.code == 1 and "parts.py: is there, and is another file" in answer.err
    assert not (tmp_path / "new.db").exists()


# ------------------------------------------------------------ anonymous

TELLTALE = ("quentin", "zimmer", "laptop", str(Path.home()), "qzimmer@example.org")


def inside(bundle: Path) -> dict[str, str]:
    with zipfile.ZipFile(bundle) as opened:
        return {name: opened.read(name).decode("utf-8", "replace") for name in opened.namelist()}


def test_an_anonymous_bundle_names_nobody(here, tmp_path):
    tracker = open_tracker(f"sqlite:///{here.folder}/mlflow.db")
    commit = record.commit(tracker.runs("tiny")[0]).partition("+")[0]
    assert len(commit) == 12
    assert any("quentins-laptop" in text and "qzimmer" in text for text in (str(run.tags) for run in tracker.runs("tiny")))
    said = f"failed in {here.folder}/parts.py of qzimmer on quentins-laptop: /home/zimmer/x.py, see /scratch/lab/y z"
    tracker.tag(tracker.runs("tiny")[:1], {"message": said})
    here("lock", "tiny.yaml")
    answer = here("export", "tiny.yaml", "--anonymous", "-o", tmp_path / "blind.zip")
    assert answer.code == 0, answer.err
    for name, text in inside(tmp_path / "blind.zip").items():
        for word in (*TELLTALE, commit, str(here.folder), str(tmp_path)):
            assert word.lower() not in name.lower() and word.lower() not in text.lower(), (name, word)
    (told,) = (json.loads(text)["tags"]["message"] for text in inside(tmp_path / "blind.zip").values() if '"message"' in text)
    assert told == "failed in <path>/parts.py of <user> on <host>: <path>/x.py, see <path>/y z"

    uri = f"sqlite:///{tmp_path}/new.db"
    here("import", tmp_path / "blind.zip", MLFLOW_TRACKING_URI=uri)
    (tmp_path / "blind.md").write_text(inside(tmp_path / "blind.zip")["report/tiny.default.md"])
    assert here("report", "tiny.yaml", "--check", tmp_path / "blind.md", MLFLOW_TRACKING_URI=uri).code == 0
    stored = open_tracker(uri).runs("tiny")
    assert not [word for run in stored for word in TELLTALE if word in str(run.tags).lower()]


def test_custom_source_that_names_its_author_is_refused(made, here, tmp_path):
    (here.folder / "parts.py").write_text(PARTS + "# by Quentin Zimmer, see /home/qz/notes\n")
    here("run", "tiny.yaml", "--executor", "inline")
    answer = here("export", "tiny.yaml", "--anonymous", "-o", tmp_path / "blind.zip")
    assert answer.code == 1 and not (tmp_path / "blind.zip").exists()
    assert "suite/parts.py:6: Quentin Zimmer, /home/qz" in answer.err
    answer = here("export", "tiny.yaml", "--anonymous", "--anyway", "-o", tmp_path / "blind.zip")
    assert answer.code == 0 and "still tells: suite/parts.py:6" in answer.out and (tmp_path / "blind.zip").exists()


# ------------------------------------------------------------ a moved folder


def moved(bench, to: Path) -> Path:
    shutil.move(bench.folder, to)
    return to


@pytest.fixture
def home(made, tmp_path):
    """A folder with a suite and its store, made where it lies."""
    folder = tmp_path / "first"
    folder.mkdir()
    for name in ("tiny.yaml", "parts.py"):
        shutil.copy(made / name, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        api.load(folder / "tiny.yaml", tracker=f"sqlite:///{folder}/mlflow.db").run(executor="inline")
    return folder


def test_a_moved_folder_loses_nothing(home, tmp_path):
    def text(folder):
        return api.load(folder / "tiny.yaml", tracker=f"sqlite:///{folder}/mlflow.db").report(figures=True).render("json")

    before = text(home)
    away = tmp_path / "deep" / "second"
    away.parent.mkdir()
    home.rename(away)
    assert text(away) == before
    tracker = open_tracker(f"sqlite:///{away}/mlflow.db")
    assert all(tracker.artifact(run.run_id, "predictions.npz") for run in tracker.runs("tiny"))

    (away / "tiny.yaml").write_text(SUITE.replace("seeds: 3", "seeds: 4"))
    api.load(away / "tiny.yaml", tracker=f"sqlite:///{away}/mlflow.db").run(executor="inline", exploratory=True)
    assert not home.exists()  # what is new lies with the rest
    third = tmp_path / "third"
    away.rename(third)
    tracker = open_tracker(f"sqlite:///{third}/mlflow.db")
    assert len(tracker.runs("tiny")) == 8
    assert all(tracker.artifact(run.run_id, "predictions.npz") for run in tracker.runs("tiny"))


def test_artifacts_that_cannot_be_reached_are_not_called_missing(home, tmp_path):
    (home / "mlruns").rename(tmp_path / "somewhere-else")
    suite = api.load(home / "tiny.yaml", tracker=f"sqlite:///{home}/mlflow.db")
    text = suite.report(figures=True).render("markdown")
    assert "cannot be reached" in text and "has no stored predictions" not in text
    done = suite.export(tmp_path / "poor.zip")
    assert len(done.missing) == 6 and "none of which can be reached" in done.missing[0]
    assert [*api.verify(tmp_path / "poor.zip").missing] == done.missing
