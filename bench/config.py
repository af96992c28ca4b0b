"""The configuration of one trial: what is trained, on what, and how. No torch here.

Every field that can change a trial's result stands here and enters its fingerprint. Defaults are filled in before hashing,
so writing a default out changes nothing.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(gt=0)]
SplitName = Literal["train", "val", "test"]


class Config(BaseModel):
    """Base of all parts: unknown keys are errors, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


# ---------------------------------------------------------------- data


class Split(Config):
    """Stratified, seeded split. The test set is the source's own; a source without one gives up the fraction `test`."""

    val: Fraction = 0.2
    """Share of the training set that is held out for validation."""
    test: Fraction = 0.2
    """Share of all images that becomes the test set, where the source has no test set of its own."""
    seed: Annotated[int, Field(ge=0)] = 0


class Subset(Config):
    """Stratified, seeded subset: at most so many images of each split (all where left out)."""

    train: Count | None = None
    val: Count | None = None
    test: Count | None = None


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
    def _one_of(self):
        if (self.scale is None) == (self.size is None):
            raise ValueError("give either 'scale' or 'size'")
        return self

    def applied(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of a resized image."""
        return (height * self.scale, width * self.scale) if self.scale else (self.size, self.size)


class Flip(Config):
    """Mirror each image left to right with probability p."""

    name: Literal["flip"]
    p: Probability = 0.5


class Crop(Config):
    """Pad each side with black by `padding` pixels, then cut a window of the old size at a place drawn per image."""

    name: Literal["crop"]
    padding: Count = 4


class AddNoise(Config):
    """Add fresh Gaussian noise N(0, variance) to each image with probability p, clipped to [0, 1]."""

    name: Literal["noise"]
    variance: Positive
    p: Probability = 1.0


Augment = Annotated[Flip | Crop | AddNoise, Field(discriminator="name")]


class Normalize(Config):
    """Subtract `mean` and divide by `std`, one number a channel, on pixel values in [0, 1]."""

    mean: tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    std: tuple[Positive, Positive, Positive]


class Data(Config):
    """A data set and what is done to its images."""

    source: str
    """cifar10, cifar100, digits, or folder (with `path`)."""
    path: str | None = None
    """For source folder: a tree `<class>/<image>` (or `train/<class>/…` and `test/<class>/…`), or a tar or zip of one."""
    split: Split = Split()
    subset: Subset = Subset()
    noise: Noise = Noise()
    resize: Resize | None = None
    augment: tuple[Augment, ...] = ()
    normalize: Literal["dataset", "none"] | Normalize = "dataset"
    """`dataset`: mean and standard deviation of the training images, per channel."""

    @field_validator("resize")
    @classmethod
    def _scale_of_one_is_none(cls, resize: Resize | None) -> Resize | None:
        return None if resize and resize.scale == 1 else resize

    @model_validator(mode="after")
    def _path_of_folder(self):
        if (self.path is not None) != (self.source == "folder"):
            raise ValueError("source 'folder' needs a 'path', and no other source takes one")
        return self


# ---------------------------------------------------------------- model


class Head(Config):
    """Replacement classifier: per hidden width dense → ReLU, then dense to the classes; with `batch_norm`, a batch norm
    before the first dense layer and after each hidden one; dropout after each hidden layer."""

    hidden: tuple[Count, ...] = ()
    batch_norm: bool = False
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Model(Config):
    """A network: one of our own (`bench ls models`) or any timm name."""

    name: str
    pretrained: bool = False
    """Start from the weights that timm's hub publishes under this name."""
    weights: str | None = None
    """Start from a local file instead: .safetensors, or .pth read with weights_only=True."""
    frozen: bool = False
    """Train the head only; the body stays as it was loaded, its batch norms in evaluation mode."""
    head: Head | None = None
    """None keeps the model's own classifier, with its last layer sized to the classes."""
    args: dict[str, Any] = {}
    """Further keyword arguments of the model's constructor."""

    @model_validator(mode="after")
    def _one_origin(self):
        if self.pretrained and self.weights:
            raise ValueError("give 'pretrained: true' or 'weights: FILE', not both")
        return self


# ---------------------------------------------------------------- training


class SGD(Config):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    lr: Positive = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False
    weight_decay: NonNegative = 0.0

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self):
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class Adam(Config):
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient."""

    name: Literal["adam"]
    lr: Positive = 0.001
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.0


class AdamW(Config):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    name: Literal["adamw"]
    lr: Positive = 0.001
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.01


class StepSchedule(Config):
    """Multiply the learning rate by `gamma` after each epoch of `milestones`."""

    name: Literal["step"]
    milestones: Annotated[tuple[Count, ...], Field(min_length=1)]
    gamma: Positive = 0.1


class ExponentialSchedule(Config):
    """Multiply the learning rate by `gamma` after every epoch."""

    name: Literal["exponential"]
    gamma: Positive


class CosineSchedule(Config):
    """Linear warm-up over `warmup` epochs, then a half cosine down to `final` times the learning rate, step by step."""

    name: Literal["cosine"]
    warmup: NonNegative = 0.0
    final: Probability = 0.0


Optimizer = Annotated[SGD | Adam | AdamW, Field(discriminator="name")]
Schedule = Annotated[StepSchedule | ExponentialSchedule | CosineSchedule, Field(discriminator="name")]
Monitor = Literal["val/loss", "val/accuracy"]


class EarlyStopping(Config):
    """Stop after `patience` epochs in which `metric` did not improve by more than `min_delta`."""

    metric: Monitor = "val/loss"
    patience: Count = 3
    min_delta: NonNegative = 0.0


class Train(Config):
    """How a model is trained."""

    epochs: Count
    batch_size: Annotated[int, Field(gt=1)] = 64
    optimizer: Optimizer = SGD(name="sgd")
    schedule: Schedule | None = None
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    early_stopping: EarlyStopping | None = None
    restore_best: Monitor | None = None
    """Evaluate the weights of the epoch that was best by this metric; None takes the last epoch's."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: autocast, on CUDA only."""
    channels_last: bool = True
    compile: bool = False
    """torch.compile the model, on CUDA only."""
    deterministic: Literal["strict", "fast"] = "strict"
    """strict: the same seed gives the same bits on the same device. fast: lets CUDA choose its quickest kernels."""
    divergence: Positive = 100.0
    """A training loss above this many times the loss of guessing, or not finite, ends the trial as diverged."""


class TrialConfig(Config):
    """All that a trial needs beside its seed."""

    data: Data
    model: Model
    train: Train


SECTIONS = {"data": Data, "model": Model, "train": Train}
