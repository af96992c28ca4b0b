"""What verdicts speak of: what the seeds varied, and what stayed the same."""

from collections import defaultdict
from collections.abc import Mapping

VARIED = {
    "split": "the split",
    "classes": "the classes that are taken",
    "sizes": "the sizes of the classes",
    "label_noise": "the wrong labels",
    "reduce": "the images that are removed",
    "environments": "the environments",
}
"""What varies → how a sentence says it."""
FIXED = "Seeds vary what is random in training, never the split or the images: verdicts speak of these, and of others only where "
FIXED += "it is said."
OVERLAP = "Where each seed splits off the images that are measured, the t-test has Nadeau and Bengio's variance, "
OVERLAP += "(1/n + test/train) s²: the splits overlap."


def scope(varying: Mapping[str, tuple[str, ...]]) -> str:
    """Say what the verdicts of a report are conditional on. varying: stage → what its seeds draw beside training."""
    stages: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for stage, names in varying.items():
        stages[names].append(stage)
    if not any(stages):
        return FIXED
    sentences = []
    for names, of in stages.items():
        where = f"In {', '.join(of)} seeds" if len(stages) > 1 else "Seeds"
        if not names:
            sentences.append(f"{where} vary what is random in training, never the split or the images.")
            continue
        if names == ("splits",):
            kind = "vary what is random in training, and each runs on each of several splits: seeds and splits are two sources of"
            sentences.append(f"{where} {kind} variation.")
            continue
        drawn = listing([VARIED[name] for name in names])
        text = f"{where} vary what is random in training and, the same for all arms of a seed, {drawn}: "
        sentences.append(f"{text}{source(names)} are one source of variation.")
    sentences.append("Verdicts speak of such draws from these images, and of other images only where it is said.")
    return " ".join(sentences)


def source(names: tuple[str, ...]) -> str:
    """Return what a seed stands for: "seed and split"."""
    return listing(["seed", *(name.replace("_", " ") for name in names)])


def listing(words: list[str]) -> str:
    """Return words as one lists them."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
