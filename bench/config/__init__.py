"""The configuration of one trial: what is trained, on what, and how. No torch here.

Every field that can change a trial's result stands here and enters its fingerprint. Defaults are filled in before hashing,
so writing a default out changes nothing.
"""

from pydantic import Field

from bench.config.augment import (
    AddNoise,
    Append,
    Augment,
    Border,
    ColorJitter,
    Contrast,
    Crop,
    CutMix,
    Flip,
    Grayscale,
    Rotation,
    Shift,
)
from bench.config.base import Config, Count, Fraction, NonNegative, Own, Positive, Probability, Seed, SplitName, named
from bench.config.data import (
    Data,
    Environments,
    LabelNoise,
    Noise,
    NoisyCopies,
    Normalize,
    PerClass,
    Reduce,
    Resize,
    Sizes,
    Split,
    Subset,
)
from bench.config.denoise import Bilateral, DeepImagePrior, Denoise, NonLocalMeans, TotalVariation, Wavelet
from bench.config.model import Head, Model, Trained
from bench.config.train import (
    SGD,
    Adam,
    AdamW,
    CosineSchedule,
    CrossEntropy,
    EarlyStopping,
    ExponentialSchedule,
    InvariantRisk,
    Loss,
    Monitor,
    Optimizer,
    Schedule,
    StepSchedule,
    Train,
)


class TrialConfig(Config):
    """All that a trial needs beside its seed. folder: where its custom components lie, which are known by their content."""

    data: Data
    model: Model
    train: Train
    folder: str = Field(default="", exclude=True)

    def drawn(self, seed: int) -> "TrialConfig":
        """Return the configuration of the trial with this seed: what its data let vary is drawn, see `Data.drawn`."""
        return self.model_copy(update={"data": self.data.drawn(seed)}) if self.data.vary else self


SECTIONS: dict[str, type[Config]] = {"data": Data, "model": Model, "train": Train}

__all__ = [
    "SECTIONS",
    "SGD",
    "Adam",
    "AdamW",
    "AddNoise",
    "Append",
    "Augment",
    "Bilateral",
    "Border",
    "ColorJitter",
    "Config",
    "Contrast",
    "CosineSchedule",
    "Count",
    "Crop",
    "CrossEntropy",
    "CutMix",
    "Data",
    "DeepImagePrior",
    "Denoise",
    "EarlyStopping",
    "Environments",
    "ExponentialSchedule",
    "Flip",
    "Fraction",
    "Grayscale",
    "Head",
    "InvariantRisk",
    "LabelNoise",
    "Loss",
    "Model",
    "Monitor",
    "Noise",
    "NoisyCopies",
    "NonLocalMeans",
    "NonNegative",
    "Normalize",
    "Optimizer",
    "Own",
    "PerClass",
    "Positive",
    "Probability",
    "Reduce",
    "Resize",
    "Rotation",
    "Schedule",
    "Seed",
    "Shift",
    "Sizes",
    "Split",
    "SplitName",
    "StepSchedule",
    "Subset",
    "TotalVariation",
    "Train",
    "Trained",
    "TrialConfig",
    "Wavelet",
    "named",
]
