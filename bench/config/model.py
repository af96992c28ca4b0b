"""A network: its body, its head, and what its weights start from."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from bench.config.base import Config, Count, Files, NonNegative, PartName, Seed, label


class Head(Config):
    """Replacement classifier: per hidden width dense → ReLU, then dense to the classes; with `batch_norm`, a batch norm
    before the first dense layer and after each hidden one; dropout after each hidden layer. It replaces the model's last layer;
    of timm's VGG all three dense layers, so that only the convolutions stay."""

    hidden: tuple[Count, ...] = ()
    batch_norm: bool = False
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    l2: NonNegative = 0.0
    """Adds l2 times the sum of squares of the dense layers' weights (not biases) to the loss."""


class Trained(Config):
    """The weights that another stage of the suite trained, without its last layer where the classes differ."""

    stage: str
    cell: dict[str, Annotated[str, BeforeValidator(label), WithJsonSchema({"type": ["string", "number", "boolean"]})]] = {}
    """axis → label: which cell of that stage. Axes left out take the label that this cell has on them."""
    seed: Seed | None = None
    """The trial of which seed; the trial's own where left out."""


def _origin(value: Any) -> str:
    return "stage" if isinstance(value, (dict, Trained)) else "file"


class Model(Config):
    """A network: one of our own (`bench ls models`), any timm name, or `module:name`."""

    name: PartName
    pretrained: bool = False
    """Start from the weights that timm's hub publishes under this name."""
    weights: Annotated[Annotated[str, Tag("file")] | Annotated[Trained, Tag("stage")], Discriminator(_origin)] | None = None
    """Start from a local file instead, .safetensors, or .pth read with weights_only=True (looked for beside the suite, then in
    the folder of data sets); or from what another stage trained, {stage: …, cell: {axis: label}}."""
    frozen: bool = False
    """Train the head only; the body stays as it was loaded, its batch norms in evaluation mode."""
    head: Head | None = None
    """None keeps the model's own classifier, with its last layer sized to the classes."""
    args: dict[str, Any] = {}
    """Further keyword arguments of the model's constructor."""
    files: Files = ()
    """For a model of the user's own, `module:name`: the data files that it reads, beside the suite; an edit of one makes another
    model."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.pretrained and self.weights:
            raise ValueError("give 'pretrained: true' or 'weights: FILE', not both")
        if self.files and ":" not in self.name:
            raise ValueError("'files' are for a model of your own, `module:name`")
        return self
