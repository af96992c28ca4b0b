"""`bench migrate`: what it rewrites, what it leaves as it is, and what it refuses."""

from textwrap import dedent

import pytest

from bench.suite.load import load_suite

HEAD = """\
suite: tiny   # as it stands
title: A tiny suite
data: {source: digits}
base: {model: {name: simple_cnn}, train: {epochs: 2, optimizer: {name: sgd, lr: 0.1}}}
seeds: 2
stages:
  s:
    axes:
      lr: {path: train.optimizer.lr, values: [0.05,   0.1, 1e-3]}
      noise: {path: data.noise.variance, values: [0, 0.04]}

"""
OLD = (
    HEAD
    + """\
# What is claimed.
claims:
  # The first, to begin with.
  rates-matter:   # "matter" is ours
    says: "with: a colon"
    kind: greater
    metric: val/accuracy
    stage: s
    where: {noise: all}
    # the best
    left: {lr: 0.10}
    right: {lr: 1e-3}   # the lowest
    margin: 0.020   # two points
  noise-hurts:
    says: a sentence
      of two lines
    kind: trend
    metric: val/accuracy
    stage: s
    each: lr
    along: noise
    direction: decreasing

  half: {says: so, kind: less, metric: wall_clock, stage: s, left: {noise: 0, lr: 0.1}, right: {noise: 0.04, lr: 0.1}, ratio: 1/2}
  new: {says: so,  metric: val/accuracy, of: {lr: 0.1}, higher_than: 0.5, each: noise}   # nothing to do here

# What is drawn.
figures: {f: {kind: forest}}
profiles:
  quick:   # a minute
    seeds: 3
    claims:
      # fewer
      rates-matter: {where: {noise: 0}, left: {lr: 0.05}}   # another
      half: {margin: 0.5}
      noise-hurts: null
      added:
        says: only here
        kind: equivalent
        metric: val/accuracy
        stage: s
        left: {lr: 0.1, noise: 0}
        right: {lr: 0.05, noise: 0}
        margin: 0.1
"""
)
NEW = (
    HEAD
    + """\
# What is claimed.
claims:
  # The first, to begin with.
  # the best
  rates-matter:   # "matter" is ours
    says: "with: a colon"
    metric: val/accuracy
    stage: s
    of: {lr: 0.10}
    higher_than: {lr: 1e-3}   # the lowest
    mean_over: noise
    margin: 0.020   # two points
  noise-hurts:
    says: a sentence
      of two lines
    metric: val/accuracy
    stage: s
    lower_along: noise
    each: lr

  half:
    says: so
    metric: wall_clock
    stage: s
    of: {noise: 0, lr: 0.1, divided_by: {noise: 0.04}}
    lower_than: 1/2
  new: {says: so,  metric: val/accuracy, of: {lr: 0.1}, higher_than: 0.5, each: noise}   # nothing to do here

# What is drawn.
figures: {f: {kind: forest}}
profiles:
  quick:   # a minute
    seeds: 3
    claims:
      # fewer
      rates-matter: {of: {noise: 0, lr: 0.05}, mean_over: null}   # another
      half: {margin: 0.5}
      noise-hurts: null
      added:
        says: only here
        metric: val/accuracy
        stage: s
        of: {lr: 0.1, noise: 0}
        same_as: {lr: 0.05}
        margin: 0.1
"""
)


def claimed(path, profile=None):
    """What each claim of a suite compares, and how."""
    suite = load_suite(path, profile=profile)
    cells = {
        name: [[(arm.stage, [cell.labels for cell in arm.cells]) for arm in contrast.arms] for contrast in contrasts]
        for name, contrasts in suite.claims.items()
    }
    return cells, suite.spec.claims


def test_claims_are_rewritten_and_all_else_stays(bench):
    path = bench.write(OLD)
    before = [claimed(path, profile) for profile in (None, "quick")]
    answer = bench("migrate", "tiny.yaml")
    assert answer.code == 0 and not answer.err, answer.err
    told = "5 claims rewritten: rates-matter, noise-hurts, half, quick: rates-matter, quick: added"
    assert answer.out == f"tiny.yaml: {told}\n"
    assert path.read_text() == NEW
    assert [claimed(path, profile) for profile in (None, "quick")] == before
    assert bench("validate", "--no-code", "tiny.yaml").code == 0


def test_check_writes_nothing(bench):
    path = bench.write(OLD)
    answer = bench("migrate", "--check", "tiny.yaml")
    assert answer.code == 1 and answer.out == NEW and path.read_text() == OLD
    bench.write(NEW)
    answer = bench("migrate", "--check", "tiny.yaml")
    assert answer.code == 0 and answer.out == "tiny.yaml: nothing to do\n"


def test_a_suite_without_claims_and_one_in_the_new_grammar(bench):
    bench.write(NEW.replace("suite: tiny", "suite: other"), "other.yaml")
    before = bench.suite.read_text()
    answer = bench("migrate", "tiny.yaml", "other.yaml")
    assert answer.code == 0 and answer.out == "tiny.yaml: nothing to do\nother.yaml: nothing to do\n"
    assert bench.suite.read_text() == before


def rewritten(bench, body):
    """The text of a suite after it was migrated, without its head; what it claims is still the same."""
    path = bench.write(HEAD + dedent(body))
    before = claimed(path)
    answer = bench("migrate", "tiny.yaml")
    assert answer.code == 0, answer.err
    assert claimed(path) == before
    text = path.read_text()
    assert text.startswith(HEAD)
    return text.removeprefix(HEAD)


def test_claims_in_braces_stay_in_braces(bench):
    old = """\
    claims: {a: {says: "so, it is", kind: less, metric: m, stage: s, each: noise, left: {lr: 0.1},
      right: 1}, # ours
      # of the second
      b: {says: too, kind: less, metric: m, stage: s,
        each: noise,   # of both
        left: {lr: 0.1},   # the usual
        right: {lr: 0.05}}}   # the end
    metrics: {m: {mean: test/class_accuracy}}
    """
    assert rewritten(bench, old) == dedent("""\
    claims: {a: {says: "so, it is", metric: m, stage: s, of: {lr: 0.1}, lower_than: 1, each: noise}, # ours
      # of the second
      # of both
      # the usual
      b: {says: too, metric: m, stage: s, of: {lr: 0.1}, lower_than: {lr: 0.05}, each: noise}}   # the end
    metrics: {m: {mean: test/class_accuracy}}
    """)


def test_claims_that_merge_another_go_on_so(bench):
    long = "which is said in so many words that no line has room for all of them and for the arm that it is compared with"
    old = f"""\
    claims:
      a: &first
        says: so
        kind: greater
        metric: val/accuracy
        stage: s
        left: {{lr: 0.1, noise: 0}}
        right: {{lr: 0.05, noise: 0}}
      b: {{<<: *first, says: too, right: {{lr: 0.001, noise: 0}}}}   # the other
      c: {{<<: *first, says: {long}, right: {{lr: 0.1, noise: 0.04}}}}
      d: {{<<: *first, says: a number, right: 0.5, each: lr, left: {{noise: 0}}}}
    """
    assert rewritten(bench, old) == dedent(f"""\
    claims:
      a: &first
        says: so
        metric: val/accuracy
        stage: s
        of: {{lr: 0.1, noise: 0}}
        higher_than: {{lr: 0.05}}
      b: {{<<: *first, says: too, higher_than: {{lr: 0.001}}}}   # the other
      c:
        <<: *first
        says: {long}
        higher_than: {{noise: 0.04}}
      d: {{<<: *first, says: a number, of: {{noise: 0}}, higher_than: 0.5, each: lr}}
    """)


def test_anchors_within_claims_are_spelled_out(bench):
    old = """\
    claims:
      a:
        says: &said so
        kind: less
        metric: val/accuracy
        stage: s
        left: &arm {lr: 0.1, noise: 0}
        right: 0.5
      b: {says: *said, kind: less, metric: val/accuracy, stage: s, left: *arm, right: 0.6}
    """
    assert rewritten(bench, old) == dedent("""\
    claims:
      a:
        says: so
        metric: val/accuracy
        stage: s
        of: {lr: 0.1, noise: 0}
        lower_than: 0.5
      b:
        says: so
        metric: val/accuracy
        stage: s
        of: {lr: 0.1, noise: 0}
        lower_than: 0.6
    """)


def test_what_is_too_long_for_a_line_is_broken(bench):
    axis = "a-name-that-is-so-long-that-two-of-its-kind-do-not-stand-on-one-line"
    old = f"""\
    stages: {{t: {{axes: {{{axis}: {{x: {{}}, y: {{}}}}, {axis}-too: {{x: {{}}, y: {{}}}}}}}}}}
    claims:
      a:
        says: >
          so
        kind: less
        metric: val/accuracy
        stage: t
        left: {{{axis}: x, {axis}-too: y}}
        right: 0.5
    """
    head, body = HEAD.partition("stages:")[0], dedent(old)
    path = bench.write(head + body)
    assert bench("migrate", "tiny.yaml").code == 0
    assert path.read_text().endswith(f"""\
  a:
    says: >
      so
    metric: val/accuracy
    stage: t
    of:
      {axis}: x
      {axis}-too: y
    lower_than: 0.5
""")
    assert claimed(path)[1]["a"].of == {axis: ["x"], f"{axis}-too": ["y"]}


def test_line_ends_and_rights_of_the_file_stay(bench):
    path = bench.folder / "tiny.yaml"
    path.write_bytes(OLD.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    link = bench.folder / "link.yml"
    link.symlink_to(path)
    assert bench("migrate", "link.yml").code == 0
    assert path.read_bytes() == NEW.replace("\n", "\r\n").encode() and link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640 and not list(bench.folder.glob(".*"))


CLAIM = "  c: {says: so, kind: greater, metric: val/accuracy, stage: s, left: {lr: all, noise: 0}, right: {lr: 0.1, noise: 0}}\n"
REFUSED = {
    "a mixture": ("claims:\n c: {says: so, kind: less, metric: m, higher_than: 0}\n", 13, "'kind' is of the old", "new grammar"),
    "a mixture under a profile": (
        f"claims:\n{CLAIM}profiles:\n q:\n  claims:\n   c:\n    of: {{lr: 0.1}}\n",
        13,
        "'kind' is of the old",
        "new grammar",
    ),
    "no such kind": ("claims:\n c:\n  says: so\n  kind: greatr\n  metric: m\n", 15, "no kind 'greatr'", "new grammar"),
    "a ratio to a number": (
        "claims:\n c:\n  says: so\n  kind: less\n  metric: m\n  ratio: 2\n  right: 1\n  left: {}\n",
        17,
        "a ratio to a number",
        "new grammar",
    ),
    "an anchor that others use": (
        "claims:\n  c: {says: &words so, kind: less, metric: m, stage: s, left: {}, right: 1}\nsource: *words\n",
        0,
        "cannot be rewritten",
        "spelled out",
    ),
    "an axis of a profile": (
        f"claims:\n{CLAIM}profiles:\n  q: {{stages: {{s: {{axes: {{lr: {{values: [0.1, 0.2]}}}}}}}}}}\n",
        15,
        "claim 'c' is of other cells",
        "patch it by hand",
    ),
    "no axis": ("claims:\n  c: {kind: less}\naxes: {a: {}}\n", 14, "axis 'a' is empty", "at least one level"),
    "not YAML": ("claims: {\n", 13, "not valid YAML", "check indentation"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_rewritten_is_told_and_left(bench, what):
    body, line, message, mend = REFUSED[what]
    path = bench.write(HEAD + body)
    for option in ([], ["--check"]):
        answer = bench("migrate", "tiny.yaml", *option)
        assert answer.code == 1 and not answer.out, answer
        assert answer.err.startswith(f"error: tiny.yaml{f':{line}' if line else ''}: "), answer.err
        assert message in answer.err and mend in answer.err, answer.err
    assert path.read_text() == HEAD + body


def test_a_file_that_is_not_there_or_cannot_be_written(bench, monkeypatch):
    answer = bench("migrate", "none.yaml")
    assert answer.code == 1 and answer.err.startswith("error: none.yaml: cannot be read")
    assert bench("migrate").code == 2
    path = bench.write(OLD)

    def full(self, *args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    answer = bench("migrate", "tiny.yaml")
    assert answer.code == 1 and "tiny.yaml: cannot be written: No space left on device" in answer.err and "--check" in answer.err
    assert path.read_text() == OLD and not list(bench.folder.glob("*.part"))


def test_what_a_profile_drops_stays_dropped(bench):
    path = bench.write(OLD.replace("noise-hurts: null", "noise-hurts: {drop: too few images}"))
    assert bench("migrate", "tiny.yaml").code == 0
    assert path.read_text() == NEW.replace("noise-hurts: null", "noise-hurts: {drop: too few images}")
    assert [claim.reason for claim in load_suite(path, profile="quick").not_asked] == ["too few images"]
