"""A whole suite's wall-clock: `bench run` against the same grid of trials in glue code, typical and best, and in Lightning.

The arms take turns. Ratios stand where a gate is passed: on a smaller task with more seeds, the arms reach the same accuracy.
"""

import tempfile
from pathlib import Path
from statistics import median

import gate
from arms import OURS, TITLES, Arm, available, save_images
from glue.clock import SECTIONS
from glue.task import PROFILES, Profile
from harness import Row, described, in_turn, machine, shown, spread

ROUNDS = 5
KINDS = ("cold", "warm")
UNEQUAL = "†"
NOTES = """\
- Cold: from the start of a process, in an empty folder, to the end of the suite: with imports, the making of databases and, of
  `bench run`, the report and the end of the process. Warm: the suite alone, once more in the same folder, by the same process
  (for `bench run` by processes that have trained each trial for two steps). Data sets are prepared before.
- Images/s: trained on, over the warm time. Ratio: how many times as long as `bench run`, cold / warm, median over rounds.
- Data, forward+backward (with validation and test), tracking: share of the wall-clock, in a run of one seed apart from the
  rounds, on CUDA with synchronisation. Of `bench run`, data and forward+backward are those of the mean worker (what a CUDA graph
  holds is forward+backward), and tracking goes on beside the workers.
- Peak memory: {memory}.
- All arms have the same images and split, noise of the same variance, networks with the same initial weights, augmentation,
  batches and optimizer; validation each epoch, and one test. Beyond that `bench run` plans, keeps predictions, and reports."""
MEMORY = {
    "cpu": "of all processes together; pages that they share are counted once where the system tells",
    "cuda": "allocated by PyTorch on the device, by all processes together",
}
Samples = dict[str, dict[str, list[float]]]
"""Arm → "cold" and "warm" → seconds, a round each."""


def measure(rounds: int, smoke: bool, device: str) -> list[Row]:
    where = machine()
    profile = PROFILES["smoke" if smoke else device]
    with tempfile.TemporaryDirectory() as name:
        images = save_images(profile, Path(name))
        arms = {arm: Arm(arm, device, profile, Path(name), images) for arm in available()}
        found = in_turn(rounds, {f"{arm.title}, {kind}": getattr(arm, kind) for arm in arms.values() for kind in KINDS})
    samples: Samples = {name: {kind: found[f"{arm.title}, {kind}"] for kind in KINDS} for name, arm in arms.items()}
    verdicts = _verdicts(arms, profile)
    unequal = {name for name in arms if not gate.passed(verdicts, TITLES[name])}
    rows = _rows(samples, unequal, device)
    where["cpu"] = f"{arms['best'].device_name}, {where['cpu']}" if device == "cuda" else where["cpu"]
    print("\n".join([_table(arms, samples, unequal), "", *_notes(profile, verdicts, unequal, device), described(where), ""]))
    return rows


def _verdicts(arms: dict[str, Arm], profile: Profile) -> list[gate.Verdict]:
    ours = arms[OURS].accuracies
    return [
        gate.judge(network, arm.title, ours[network], arm.accuracies[network], profile.margin)
        for network in profile.gate.networks
        for name, arm in arms.items()
        if name != OURS
    ]


def _rows(samples: Samples, unequal: set[str], device: str) -> list[Row]:
    return [
        Row(
            f"suite on {device}, {kind}",
            "s",
            samples[OURS][kind],
            f"{TITLES[name]} ({UNEQUAL} the gate was not passed)" if name in unequal else TITLES[name],
            samples[name][kind],
        )
        for kind in KINDS
        for name in samples
        if name != OURS
    ]


def _table(arms: dict[str, Arm], samples: Samples, unequal: set[str]) -> str:
    """Return the table for readers: a line an arm."""
    lines = [
        f"| arm | cold | warm | images/s | {' | '.join(SECTIONS.values())} | peak memory | ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, title in TITLES.items():
        if name not in arms:
            lines.append(f"| {title} | not installed, so left out |" + "  |" * 7)
            continue
        arm, times = arms[name], samples[name]
        ratios = [Row("", "s", samples[OURS][kind], "", times[kind]).ratio for kind in KINDS]
        ratio = " / ".join(f"{shown(value)}x" for value in ratios) + (f" {UNEQUAL}" if name in unequal else "")
        cells = [
            title,
            *(spread(times[kind], "s") for kind in KINDS),
            shown(arm.profile.timed.trained / median(times["warm"])),
            *(f"{100 * arm.shares[section]:.1f} %" for section in SECTIONS),
            f"{arm.memory / 2**20:,.0f} MiB",
            "" if name == OURS else ratio,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _notes(profile: Profile, verdicts: list[gate.Verdict], unequal: set[str], device: str) -> list[str]:
    timed, small = profile.timed, profile.gate
    networks = ", ".join(_network(model) for model in timed.networks.values())
    noises = " and ".join(f"{noise:g}" for noise in timed.noises)
    lines = [
        f"{len(timed.points)} trials: {networks}; noise of variance {noises}; {timed.seeds} seeds; {timed.epochs} epochs of "
        f"{timed.train:,} images of {timed.source} in batches of {timed.batch_size}; {timed.val:,} images for validation, "
        f"{timed.test:,} for the test. DataLoaders have {timed.loaders} processes.",
        "",
        NOTES.format(memory=MEMORY[device]),
    ]
    settings = [f"{name} {value}" for name, value in timed.bench_train.items()]
    settings += [" ".join(timed.bench_words)] if timed.bench_words else []
    if settings:
        lines.append(f"- `bench run` with {', '.join(settings)}.")
    if unequal:
        names = ", ".join(TITLES[name] for name in TITLES if name in unequal)
        lines.append(f"- {UNEQUAL} The gate was **not passed** ({names}): these ratios are of work not shown to be equal.")
    gated = (
        f"Gate: {small.epochs} epochs of {small.train:,} images in batches of {small.batch_size}, {small.test:,} images for the "
        f"test, noise of variance {small.noises[0]:g}; equal is what differs by less than {100 * profile.margin:g} points."
    )
    return [*lines, "", gated, "", gate.markdown(verdicts, profile.margin), ""]


def _network(model: dict) -> str:
    args = ", ".join(f"{name} {value}" for name, value in model.get("args", {}).items())
    return f"`{model['name']}`" + (f" ({args})" if args else "")
