"""What a network says of a part of the data, and how often it is right."""

import numpy as np
import torch
from torch.nn import functional as F

from bench.data import ImageSet


def loss_and_accuracy(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return mean cross entropy (nats, without label smoothing) and accuracy, float64 [2], still on the device."""
    losses = F.cross_entropy(scores, labels, reduction="none")
    return torch.stack([losses.double().mean(), (scores.argmax(1) == labels).double().mean()])


def predictions(scores: torch.Tensor, part: ImageSet) -> dict[str, np.ndarray]:
    """Return probabilities float16 [N, C], targets int32 [N] and each image's index in its source, int64 [N]."""
    return {
        "probabilities": scores.softmax(1).half().cpu().numpy(),
        "targets": part.labels.to("cpu", torch.int32).numpy(),
        "indices": np.asarray(part.indices, dtype=np.int64),
    }
