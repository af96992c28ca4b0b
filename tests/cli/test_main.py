"""The command line around the verbs."""

import json
import subprocess
import sys

import pytest

VERBS = ["run", "plan", "status", "report", "validate", "migrate", "data", "ls", "ui"]
HEAVY = {"torch", "mlflow", "optuna", "pandas", "numpy", "scipy", "sklearn", "matplotlib", "pydantic", "yaml"}


@pytest.mark.parametrize("words", [[], *([verb] for verb in VERBS)])
def test_help_answers_without_the_heavy_libraries(words):
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bench", *words, "--help"], capture_output=True, text=True, check=False
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in answer.stderr.splitlines()}
    assert "argparse" in imported and imported.isdisjoint(HEAVY)
    assert answer.returncode == 0
    for word in words or VERBS:
        assert word in answer.stdout


def test_usage(bench):
    assert bench().code == 2
    assert bench("rnu", "x").code == 2
    answer = bench("run")
    assert answer.code == 2 and "SUITE" in answer.err
    assert bench("--version").out.startswith("bench 0.")


def test_a_missing_suite(bench):
    for verb in ("run", "plan", "status", "report", "validate"):
        answer = bench(verb, "none.yaml")
        assert answer.code == 1 and answer.err.startswith("error: none.yaml: cannot be read") and not answer.out


def test_ls(bench):
    answer = bench("ls")
    assert answer.code == 0
    for part in ("simple_cnn", "cifar10", "digits", "folder", "adamw", "cosine", "crop"):
        assert part in answer.out
    found = json.loads(bench("ls", "optimizers", "data", "--json").out)
    assert set(found["optimizers"]) == {"sgd", "adam", "adamw"} and all(found["data"].values())
    wrong = bench("ls", "optimisers")
    assert wrong.code == 1 and "did you mean 'optimizers'?" in wrong.err


def test_validate(bench, root):
    good = bench("validate", "--no-code", *sorted((root / "suites").glob("*.yaml")))
    assert good.code == 0 and "noise_vs_complexity.yaml (quick)" in good.out
    bench.write(bench.suite.read_text().replace("epochs: 2", "epoch: 2"))
    bad = bench("validate", "--no-code", "tiny.yaml")
    assert bad.code == 1 and "tiny.yaml:4: unknown key 'epoch' in train" in bad.err and "did you mean 'epochs'?" in bad.err
    assert json.loads(bench("validate", "--no-code", "--json", "tiny.yaml").out)["valid"] is False


def test_validate_builds_the_models(bench):
    bench.write(bench.suite.read_text().replace("simple_cnn", "resnt18"))
    answer = bench("validate", "tiny.yaml")
    assert answer.code == 1 and "tiny.yaml:4: unknown model 'resnt18'" in answer.err and "did you mean 'resnet18'?" in answer.err


def test_data(bench, tmp_path):
    root = tmp_path / "data"
    assert "nothing is prepared" in bench("data", "ls", BENCH_DATA=str(root)).out
    answer = bench("data", "prepare", "tiny.yaml", BENCH_DATA=str(root))
    assert answer.code == 0 and "digits: 1797 images in 10 classes" in answer.out
    (listed,) = json.loads(bench("data", "ls", "--json", BENCH_DATA=str(root)).out)["prepared"]
    assert listed["images"] == 1797
    assert bench("data", "verify", "tiny.yaml", BENCH_DATA=str(root)).code == 0
    images = next(root.rglob("train_images.npy"))
    images.chmod(0o644)
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    damaged = bench("data", "verify", "tiny.yaml", BENCH_DATA=str(root))
    assert damaged.code == 1 and "tiny.yaml:3" in damaged.err and "data prepare" in damaged.err
