"""What a network says of a part of the data, and how often it is right."""

import numpy as np
import torch
from torch.nn import functional as F

from bench.data import Part
from bench.training.loop import Forward

# Images of a batch without gradients, at 32x32; enough to keep the device busy, little beside a training batch.
IMAGES, PIXELS = 512, 32 * 32


@torch.no_grad()
def logits(forward: Forward, part: Part, batch_size: int) -> torch.Tensor:
    """Return the network's logits [N, classes], float32 on the device, in evaluation mode and without augmentation.

    batch_size: that of training, which is known to fit; small images go in larger batches.
    """
    forward.network.eval()
    _, height, width = forward.preprocess.out_shape
    size = max(batch_size, IMAGES * PIXELS // (height * width))
    return torch.cat([forward(images) for images in part.images.split(size)])


def loss_and_accuracy(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return mean cross entropy (nats, without label smoothing) and accuracy, float64 [2], still on the device."""
    losses = F.cross_entropy(scores, labels, reduction="none")
    return torch.stack([losses.double().mean(), (scores.argmax(1) == labels).double().mean()])


def predictions(scores: torch.Tensor, part: Part) -> dict[str, np.ndarray]:
    """Return probabilities float16 [N, classes], targets int32 [N] and each image's index in its source, int64 [N]."""
    return {
        "probabilities": scores.softmax(1).half().cpu().numpy(),
        "targets": part.labels.to("cpu", torch.int32).numpy(),
        "indices": np.asarray(part.indices, dtype=np.int64),
    }
