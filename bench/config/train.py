"""How a model is trained."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bench.config.base import ClassName, Config, Count, Fraction, NonNegative, Own, Positive, Probability, named


class SGD(Config):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    lr: Positive = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False
    weight_decay: NonNegative = 0.0

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class _Adam(Config):
    name: str
    lr: Positive = 0.001
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.0


class Adam(_Adam):
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient."""

    name: Literal["adam"]


class AdamW(_Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    name: Literal["adamw"]
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


class CrossEntropy(Config):
    """Cross entropy of the softmax, in nats."""

    name: Literal["cross_entropy"]


class InvariantRisk(Config):
    """Invariant risk minimisation (Arjovsky et al. 2019, IRMv1): the sum over environments of their cross entropy, plus `penalty`
    times its squared derivative with respect to a scale of the logits. Needs `data.environments`."""

    name: Literal["irm"]
    penalty: NonNegative = 1.0
    warmup: NonNegative = 0.0
    """Epochs before the penalty counts."""


OPTIMIZERS = (SGD, Adam, AdamW)
SCHEDULES = (StepSchedule, ExponentialSchedule, CosineSchedule)
LOSSES = (CrossEntropy, InvariantRisk)
Optimizer = Annotated[SGD | Adam | AdamW, Field(discriminator="name")]
Schedule = Annotated[StepSchedule | ExponentialSchedule | CosineSchedule, Field(discriminator="name")]
if TYPE_CHECKING:
    Loss = CrossEntropy | InvariantRisk | Own
else:
    Loss = named(*LOSSES)
Monitor = Literal["val/loss", "val/accuracy"]
GroupName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")]
Group = Annotated[tuple[ClassName, ...], Field(min_length=2)]


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
    sampling: Literal["shuffle", "balanced"] = "shuffle"
    """shuffle: every image once an epoch. balanced: as many draws, with replacement, every class equally likely."""
    loss: Loss = CrossEntropy(name="cross_entropy")
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    early_stopping: EarlyStopping | None = None
    restore_best: Monitor | None = None
    """Evaluate the weights of the epoch that was best by this metric; None takes the last epoch's."""
    class_metrics: tuple[Literal["accuracy", "precision", "recall", "f1", "predicted", "size"], ...] = ("accuracy",)
    """What is noted of each class: on the test part its accuracy; on validation and test its precision, recall and F1, and the
    share of all images that are predicted as it; of the training part its number of images."""
    class_groups: dict[GroupName, Group] = {}
    """Groups of classes, by name: noted is how far the errors on their test images stay within the group."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: autocast, on CUDA only."""
    channels_last: bool = True
    compile: bool = False
    """torch.compile the model, on CUDA only."""
    deterministic: Literal["strict", "fast"] = "strict"
    """strict: the same seed gives the same bits on the same device. fast: lets CUDA choose its quickest kernels."""
    divergence: Positive = 100.0
    """A training loss above this many times the loss of guessing, or not finite, ends the trial as diverged."""
