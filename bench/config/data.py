"""A data set and what is done to its images."""

import hashlib
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, FiniteFloat, field_validator, model_validator

from bench.config.augment import Append, Augment
from bench.config.base import ClassName, Config, Count, Files, Fraction, NonNegative, PartName, Positive, Seed, SplitName
from bench.config.denoise import Denoise

Classes = Annotated[tuple[ClassName, ...], Field(min_length=1)]


Varied = Literal["split", "classes", "sizes", "label_noise", "reduce", "environments"]
VARIED: tuple[Varied, ...] = get_args(Varied)
"""Settings whose own seed may be drawn from the trial's."""


class PerClass(Config):
    """So many images of every class."""

    per_class: Count


Held = Fraction | PerClass


class Split(Config):
    """Stratified, seeded split. The test set is the source's own; a source without one (or a pooled one) gives up `test`."""

    val: Held = 0.2
    """Share of the training set that is held out for validation, or {per_class: N}."""
    test: Held = 0.2
    """Share of all images that becomes the test set, where there is no test set of the source's own, or {per_class: N}."""
    seed: Seed = 0


class Subset(Config):
    """Stratified, seeded subset: at most so many images of each split (all where left out)."""

    train: Count | None = None
    val: Count | None = None
    test: Count | None = None


class Sizes(Config):
    """An imbalanced data set: so many images a class, before the split, drawn from the training images (with `pool`, all).

    Sizes run from `smallest` to `largest` along a power curve whose sum is `total`: the ith of n has smallest + (largest -
    smallest) ((i - 1) / (n - 1)) ** g, rounded. Which class gets which, and which images, is drawn from `seed`.
    """

    smallest: Count
    largest: Count
    total: Count
    seed: Seed = 0

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError("'smallest' is larger than 'largest'")
        return self


class LabelNoise(Config):
    """Give a share of the images of each of `splits` a wrong label, drawn evenly from the other classes."""

    share: Fraction
    splits: tuple[SplitName, ...] = ("train",)
    seed: Seed = 0


class Reduce(Config):
    """Remove images of some classes from the training part, keeping the share `keep` of each class, drawn from `seed`."""

    classes: Classes
    keep: Fraction
    seed: Seed = 0


class NoisyCopies(Config):
    """Append copies of every training image of some classes with Gaussian noise, one for each of `variances`.

    unit `pixel`: variances are of pixel values in [0, 1]. `normalized`: of images divided by their standard deviation (so in
    units of each channel's own variance), which is what noise added after normalisation means. The noise is drawn from the
    trial's seed; copies are clipped to [0, 1] and kept in 8 bits.
    """

    classes: Classes
    variances: Annotated[tuple[Positive, ...], Field(min_length=1)]
    unit: Literal["pixel", "normalized"] = "normalized"


class Environments(Config):
    """Which environment each training image belongs to, for losses that look at environments apart.

    by `class`: `groups`, each class in one of them. `copy`: original images, and the noisy copies of each variance. `random`:
    `count` even parts, drawn from `seed`.
    """

    by: Literal["class", "copy", "random"]
    groups: tuple[Classes, ...] = ()
    count: Annotated[int, Field(gt=1)] = 2
    seed: Seed = 0

    @model_validator(mode="after")
    def _groups_of_classes(self) -> Self:
        if (self.by == "class") != bool(self.groups):
            raise ValueError("`by: class` needs `groups`, lists of classes, and no other kind takes them")
        return self


class Noise(Config):
    """Gaussian noise z ~ N(0, variance) added once to every image (pixel values in [0, 1]), as a damaged data set has it.

    The mask is drawn from the trial's seed, so arms that differ in something else see the same mask. Results are
    clipped to [0, 1] and kept in 8 bits.
    """

    variance: NonNegative = 0.0
    splits: tuple[SplitName, ...] = ("train", "val", "test")


class Resize(Config):
    """Enlarge or shrink images: by a whole `scale`, or to `size` pixels a side."""

    scale: Count | None = None
    size: Count | None = None
    mode: Literal["nearest", "bilinear"] = "nearest"

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.scale is None) == (self.size is None):
            raise ValueError("give either 'scale' or 'size'")
        return self

    def applied(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of a resized image."""
        if self.scale is not None:
            return height * self.scale, width * self.scale
        assert self.size is not None  # see `_one_of`
        return self.size, self.size


class Normalize(Config):
    """Subtract `mean` and divide by `std`, one number a channel, on pixel values in [0, 1]."""

    mean: tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    std: tuple[Positive, Positive, Positive]


class Data(Config):
    """A data set and what is done to its images, in this order: pool, classes, sizes, split, subset, label noise, reduce,
    copies, noise, denoise, append; and in each batch: augment, normalize, resize."""

    source: PartName
    """cifar10, cifar100, digits, folder (with `path`), or `module:name`."""
    path: str | None = None
    """For source folder: a tree `<class>/<image>` (or `train/<class>/…` and `test/<class>/…`), or a tar or zip of one.
    Looked for beside the suite, then in the folder of data sets."""
    args: dict[str, Any] = {}
    """For a source of the user's own, `module:name`: its keyword arguments."""
    files: Files = ()
    """For a source of the user's own: the data files that it reads, beside the suite; an edit of one makes another data set."""
    pool: bool = False
    """Put the source's training and test images together; the split then takes a test set of its own."""
    classes: Count | Classes | None = None
    """Only these classes, or so many of them, drawn from the split's seed."""
    classes_seed: Seed | None = None
    """What `classes` are drawn from, where not from the split's seed."""
    sizes: Sizes | None = None
    split: Split = Split()
    subset: Subset = Subset()
    label_noise: LabelNoise | None = None
    reduce: Reduce | None = None
    copies: NoisyCopies | None = None
    noise: Noise = Noise()
    denoise: Denoise | None = None
    append: Append | None = None
    environments: Environments | None = None
    augment: tuple[Augment, ...] = ()
    normalize: Literal["dataset", "none"] | Normalize = "dataset"
    """`dataset`: mean and standard deviation of the training images, per channel."""
    resize: Resize | None = None
    vary: tuple[Varied, ...] = ()
    """Settings that are drawn anew with each seed of the trials; the suite or the stage says it, as `vary:`."""

    def drawn(self, seed: int) -> "Data":
        """Return what a trial with this seed sees: the seed of each setting that varies is drawn from the trial's and its own.

        All arms with one seed see the same draw. Nothing of the result depends on a trial's seed any more but for noise.
        """
        if not self.vary:
            return self
        said: dict[str, Any] = {"vary": ()}
        if isinstance(self.classes, int):  # another split keeps them, unless they vary too
            own = self.split.seed if self.classes_seed is None else self.classes_seed
            said["classes_seed"] = _drawn_seed(seed, "classes", own) if "classes" in self.vary else own
        for name in self.vary:
            if name != "classes" and (setting := getattr(self, name)):
                said[name] = setting.model_copy(update={"seed": _drawn_seed(seed, name, setting.seed)})
        return self.model_copy(update=said)

    def can_vary(self, name: Varied) -> bool:
        """Whether a setting is there, and draws something from a seed of its own."""
        if name == "classes":
            return isinstance(self.classes, int)
        if name == "environments":
            return self.environments is not None and self.environments.by == "random"
        return getattr(self, name) is not None

    @property
    def origin(self) -> str:
        """What the images are read from, as text: sections that agree in it share a prepared data set."""
        return self.model_dump_json(include={"source", "path", "args", "files"})

    @field_validator("resize")
    @classmethod
    def _scale_of_one_is_none(cls, resize: Resize | None) -> Resize | None:
        return None if resize and resize.scale == 1 else resize

    @field_validator("vary")
    @classmethod
    def _in_any_order(cls, vary: tuple[Varied, ...]) -> tuple[Varied, ...]:
        return tuple(sorted(set(vary)))

    @model_validator(mode="after")
    def _path_of_folder(self) -> Self:
        if (self.path is not None) != (self.source == "folder"):
            raise ValueError("source 'folder' needs a 'path', and no other source takes one")
        for name in ("args", "files"):
            if getattr(self, name) and ":" not in self.source:
                raise ValueError(f"'{name}' are for a source of your own, `module:name`")
        return self

    @model_validator(mode="after")
    def _environments_of_copies(self) -> Self:
        if self.environments and self.environments.by == "copy" and not self.copies:
            raise ValueError("environments `by: copy` need 'copies'")
        return self


def _drawn_seed(trial: int, name: str, own: int) -> int:
    """Return the seed of a setting in trials with this seed: 32 bits of the SHA-256 hash of both and its own."""
    return int.from_bytes(hashlib.sha256(f"{trial}/{name}/{own}".encode()).digest()[:4], "big")
