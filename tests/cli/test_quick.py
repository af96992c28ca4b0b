"""The README's first command, whole: the quick profile from a fresh folder to the tables."""

import re


def shape(markdown: str) -> str:
    """Return a report's headings, the names of its claims, and its tables of results with every mean ± SD masked: another
    processor rounds otherwise, so marks and verdicts may differ."""
    blocks = []
    for block in markdown.split("\n\n"):
        if block.startswith("| claim"):
            blocks.append(
                "\n".join(re.split(r"<br>|\|", line.strip("| "))[0].strip() for line in block.splitlines() if line[1] != ":")
            )
        elif block.startswith(("#", "|")) and not block.startswith("| family"):
            blocks.append(re.sub(r"\**\d+\.\d+ ± \d+\.\d+†?\**", "#", block))
    return re.sub(r"[ :-]*\|[ :-]*", "|", "\n\n".join(blocks)) + "\n"


def test_the_quick_profile(bench, root):
    answer = bench("run", str(root / "suites" / "noise_vs_complexity.yaml"), "--profile", "quick")
    assert answer.code == 0, answer.err
    assert "18 trials are the same as others and run once" in answer.out
    assert "36 finished in" in answer.out
    assert shape(answer.tables) == (root / "tests" / "expected" / "cli" / "quick.txt").read_text(encoding="utf-8")
    runs = bench.runs("noise_vs_complexity.quick")
    clean = [run for run in runs if run.tags["cell"] == "model=simple, noise=0"]
    assert len(runs) == 36 and len(clean) == 3
    assert all(run.metrics["val/accuracy"] > 0.9 for run in clean), "the simple CNN learns digits in three epochs"
