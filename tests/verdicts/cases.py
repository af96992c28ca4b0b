"""The cases: every relation where the truth is known, and what may make its verdicts false more often."""

from collections.abc import Sequence

from .studies import ANY, CROSSED, WINNER, Case, Claimed

SUPPORTED, REFUTED, EQUIVALENT, NEGLIGIBLE = ANY
SEEDS = ((3,), (5,), (10,))
LOOKS = ((3, 5, 10), (5, 8, 12))
PAIR = "stage: s, metric: score, of: {a: 2, b: x}"
ALONG = "stage: s, metric: score, of: {b: x}"
EACH = "stage: s, metric: score, "
EQUAL = "All arms are equal: nothing is higher, or differs, and there is no margin within which it could be called the same."
AT_EDGE = "The difference is the margin itself: it is neither less than that, nor more."
FLAT = "All levels are equal."
UP, DOWN = {("2", "x"): 1.0}, {("2", "x"): -1.0}


def seeds_of(case: Case) -> Sequence[tuple[int, ...]]:
    """Return the seeds, or the looks, with which a case is tried."""
    return LOOKS if case.group == "looks" else SEEDS


def _one(text: str, false: tuple[str, ...] = ANY) -> tuple[Claimed, ...]:
    return (Claimed(text, false),)


def _family(*claims: Claimed) -> tuple[Claimed, ...]:
    return tuple(Claimed(f"{claim.text}, family: all", claim.false) for claim in claims)


THREE = _family(*[Claimed(f"{EACH}of: {{a: {a}, b: x}}, higher_than: {{a: {a}, b: y}}") for a in (2, 3, 5)])
RELATIONS = [
    Case("higher_than, equal arms", EQUAL, _one(f"{PAIR}, higher_than: {{a: 3}}")),
    Case("lower_than, equal arms", EQUAL, _one(f"{PAIR}, lower_than: {{a: 3}}")),
    Case("differs_from, equal arms", EQUAL, _one(f"{PAIR}, differs_from: {{a: 3}}")),
    Case(
        "at_least, below by the margin",
        "The arm is below by the margin: it neither falls short by less, nor by more.",
        _one(f"{PAIR}, at_least: {{a: 3}}, margin: 1"),
        DOWN,
    ),
    Case(
        "at_most, above by the margin",
        "The arm is above by the margin: it neither exceeds by less, nor by more.",
        _one(f"{PAIR}, at_most: {{a: 3}}, margin: 1"),
        UP,
    ),
    Case("same_as, at the margin", AT_EDGE, _one(f"{PAIR}, same_as: {{a: 3}}, margin: 1"), UP),
    Case(
        "same_along, one pair at the margin",
        "One level is above the two others by the margin.",
        _one(f"{ALONG}, same_along: a, margin: 1"),
        {("5", "x"): 1.0},
    ),
    Case("higher_along, flat", FLAT, _one(f"{ALONG}, higher_along: a")),
    Case("lower_along, flat, each", f"{FLAT} It would have to fall in both parts.", _one(f"{EACH}lower_along: a, each: b")),
    Case(
        "lower_along, each: one falls, one is flat",
        "It falls in one part steeply, and is flat in the other, so that the claim does not hold; nor does it rise anywhere.",
        _one(f"{EACH}lower_along: a, each: b"),
        {("2", "y"): 18.0, ("3", "y"): 12.0},
    ),
    Case("differs_along, flat", FLAT, _one(f"{ALONG}, differs_along: a")),
    Case("higher_each_step, flat", f"{FLAT} The ends do not differ.", _one(f"{ALONG}, higher_each_step: a")),
    Case(
        "lower_each_step, a step up by the margin",
        "The ends differ as is claimed, but one step goes the wrong way by the margin, neither by less nor by more.",
        _one(f"{ALONG}, lower_each_step: a, margin: 1"),
        {("2", "x"): 3.0, ("3", "x"): 4.0},
    ),
    Case("highest_of, three equal", EQUAL, _one(f"{PAIR}, highest_of: a")),
    Case(
        "highest_of, equal to one, above the other",
        "One rival is equal, so that the subject is not the highest; nor is any above it.",
        _one(f"{PAIR}, highest_of: a"),
        {("5", "x"): -6.0},
    ),
    Case("lowest_of, six equal", EQUAL, _one(f"{PAIR}, lowest_of: [a, b]")),
    Case(
        "higher_with, unrelated, within",
        "The two metrics are independent in every trial.",
        _one(f"{EACH}higher_with: other, across: a, within: b"),
    ),
    Case(
        "lower_with, unrelated, within, spearman",
        "The two metrics are independent in every trial.",
        _one(f"{EACH}lower_with: other, across: a, within: b, test: spearman"),
    ),
    Case(
        "higher_than, at the margin",
        "It is higher, by the margin.",
        _one(f"{PAIR}, higher_than: {{a: 3}}, margin: 1", ANY[1:]),
        UP,
    ),
    Case(
        "higher_than, below by the margin",
        "It is lower, by the margin.",
        _one(f"{PAIR}, higher_than: {{a: 3}}, margin: 1", (SUPPORTED, EQUIVALENT, NEGLIGIBLE)),
        DOWN,
    ),
    Case("higher_than, a number", "The mean is that number.", _one(f"{PAIR}, higher_than: 0")),
    Case("higher_than, sign-flip", EQUAL, _one(f"{PAIR}, higher_than: {{a: 3}}, test: sign-flip")),
    Case("higher_than, welch", EQUAL, _one(f"{PAIR}, higher_than: {{a: 3}}, test: welch"), paired=False),
    Case(
        "higher_than, welch, SD 1 and 3",
        "The arms have the same mean, and unlike SDs.",
        _one(f"{PAIR}, higher_than: {{a: 3}}, test: welch"),
        sds={("2", "x"): 3.0},
        paired=False,
    ),
    Case(
        "higher_than, crossed",
        "All arms are equal; each finds other items easy for good.",
        _one("stage: s, metric: val/accuracy, of: {a: 2, b: x}, higher_than: {a: 3}, test: crossed"),
        drawn="items",
    ),
    Case(
        "higher_than, each seed with its own split",
        "All arms are equal; each finds other items easy for good, and splits overlap.",
        _one("stage: s, metric: val/accuracy, of: {a: 2, b: x}, higher_than: {a: 3}"),
        drawn="splits",
    ),
    Case(
        "higher_than, seeds crossed with ten splits",
        "All arms are equal; each finds other items easy for good, and splits overlap.",
        _one("stage: crossed, metric: val/accuracy, of: {a: 2}, higher_than: {a: 3}"),
        drawn="crossed",
        stages=CROSSED,
    ),
    Case(
        "higher_than, minus, equal differences",
        "All differences are equal.",
        _one("stage: s, metric: score, of: {a: 2, b: x, minus: {b: y}}, higher_than: {a: 3}"),
    ),
    Case(
        "differs_from, divided_by, equal ratios",
        "All ratios are equal.",
        _one("stage: s, metric: cost, of: {a: 2, b: x, divided_by: {b: y}}, differs_from: {a: 3}"),
    ),
    Case(
        "spread, higher_than, equal",
        "Both arms vary alike.",
        _one("stage: s, spread: score, of: {a: 2, b: x}, higher_than: {a: 3}"),
    ),
    Case(
        "spread, same_as, at the margin",
        "One arm varies 1.5 times as much, which is the margin.",
        _one("stage: s, spread: score, of: {a: 2, b: x}, same_as: {a: 3}, margin: 50%"),
        sds={("2", "x"): 1.5},
    ),
]
"""Every relation, its tests, and the ways to write an arm."""

LOOKED_AT = [
    Case("higher_than, equal arms", EQUAL, _one(f"{PAIR}, higher_than: {{a: 3}}"), group="looks"),
    Case("same_as, at the margin", AT_EDGE, _one(f"{PAIR}, same_as: {{a: 3}}, margin: 1"), UP, group="looks"),
    Case("higher_than, welch", EQUAL, _one(f"{PAIR}, higher_than: {{a: 3}}, test: welch"), paired=False, group="looks"),
    Case("higher_than, sign-flip", EQUAL, _one(f"{PAIR}, higher_than: {{a: 3}}, test: sign-flip"), group="looks"),
    Case("highest_of, three equal", EQUAL, _one(f"{PAIR}, highest_of: a"), group="looks"),
    Case(
        "family of three, equal arms",
        f"{EQUAL} One false verdict among the three counts.",
        THREE,
        group="looks",
    ),
]
"""More seeds for what is open."""


SELECTED = "stage: winner, metric: val/accuracy, of: {from: best}, higher_than: {from: another}"
LOSES = "The arms were equal, but the worst seeds of one diverged: that arm is no better, whatever its other seeds say."
NOT_REFUTED = (SUPPORTED, EQUIVALENT, NEGLIGIBLE)
OTHERS = [
    Case(
        "family of three, equal arms",
        f"{EQUAL} One false verdict among the three counts.",
        THREE,
        group="others",
    ),
    Case(
        "family of five, one is true",
        "Of five claims one is true by far; the others are of equal arms. One false verdict among the five counts.",
        _family(
            Claimed(f"{EACH}of: {{a: 2, b: x}}, higher_than: {{a: 2, b: y}}", (REFUTED, EQUIVALENT, NEGLIGIBLE)),
            Claimed(f"{EACH}of: {{a: 3, b: x}}, higher_than: {{a: 3, b: y}}"),
            Claimed(f"{EACH}of: {{a: 5, b: x}}, higher_than: {{a: 5, b: y}}"),
            Claimed(f"{EACH}of: {{a: 3, b: x}}, differs_from: {{a: 5, b: y}}"),
            Claimed(f"{EACH}of: {{b: y, a: 3}}, lower_than: {{a: 2}}"),
        ),
        {("2", "x"): 20.0},
        group="others",
    ),
    Case(
        "family of four relations, at their edges",
        "Two arms are equal, a third differs from both by the margin. One false verdict among the four counts.",
        _family(
            Claimed(f"{PAIR}, same_as: {{a: 3}}, margin: 1"),
            Claimed(f"{PAIR}, at_most: {{a: 5}}, margin: 1"),
            Claimed(f"{EACH}of: {{a: 3, b: x}}, differs_from: {{a: 5}}"),
            Claimed(f"{EACH}of: {{b: y}}, higher_along: a"),
        ),
        UP,
        group="others",
    ),
    Case(
        "higher_than, welch, SD 1 and 5",
        "The arms have the same mean, and very unlike SDs.",
        _one(f"{PAIR}, higher_than: {{a: 3}}, test: welch"),
        sds={("2", "x"): 5.0},
        group="others",
        paired=False,
    ),
    Case(
        "best of six equal, on the runs that chose it",
        "The best of six equal arms is not above a seventh equal one.",
        _one(SELECTED),
        group="others",
        drawn="chosen",
        stages=WINNER.format(fresh=""),
        withheld="selected on its own data",
    ),
    Case(
        "best of six equal, with fresh seeds",
        "The best of six equal arms is not above a seventh equal one.",
        _one(SELECTED),
        group="others",
        drawn="chosen",
        stages=WINNER.format(fresh=", seeds: fresh"),
    ),
    Case(
        "equal arms, required above a number: at it",
        f"{EQUAL} The subject is not above the number.",
        _one(f"{PAIR}, higher_than: {{a: 3}}, requires: {{higher_than: 0}}"),
        group="others",
        condition=f"{PAIR}, higher_than: 0",
    ),
    Case(
        "equal arms, required above a number: an SD above",
        f"{EQUAL} The subject is above the number by the SD of an arm over its own seeds.",
        _one(f"{PAIR}, higher_than: {{a: 3}}, requires: {{higher_than: -1}}"),
        group="others",
        condition=f"{PAIR}, higher_than: -1",
    ),
    Case(
        "equal arms, required above a third: at it",
        f"{EQUAL} The third is equal too.",
        _one(f"{PAIR}, higher_than: {{a: 3}}, requires: {{higher_than: {{a: 5}}}}"),
        group="others",
        condition=f"{PAIR}, higher_than: {{a: 5}}",
    ),
    Case(
        "accuracy, an arm that loses its worst seeds",
        LOSES,
        _one("stage: s, metric: val/accuracy, of: {a: 2, b: x}, higher_than: {a: 3}", NOT_REFUTED),
        group="others",
        drawn="lost",
        withheld="survivors only",
    ),
    Case(
        "loss, an arm that loses its worst seeds",
        LOSES,
        _one("stage: s, metric: val/loss, of: {a: 2, b: x}, lower_than: {a: 3}", NOT_REFUTED),
        group="others",
        drawn="lost",
        withheld="survivors only",
    ),
]
"""What may make verdicts false more often."""
CASES = [*RELATIONS, *OTHERS, *LOOKED_AT]
