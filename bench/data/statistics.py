"""Mean and standard deviation of images."""

import torch


def statistics(images: torch.Tensor) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return mean and standard deviation per channel of uint8 [N, 3, H, W], for pixel values in [0, 1].

    Computed from the histogram of the 256 values, so exact to the rounding of the last division; the standard deviation
    is the population's. A channel without variation gets 1, so that normalising leaves it at zero.
    """
    counts = torch.zeros(3, 256, dtype=torch.int64)
    for chunk in images.split(2048):  # counting converts to 64 bits: a chunk at a time bounds the memory
        counts += torch.stack([torch.bincount(chunk[:, channel].flatten(), minlength=256) for channel in range(3)]).cpu()
    values = torch.arange(256)
    pixels = int(counts[0].sum())
    sums = (counts * values).sum(1).tolist()
    squares = (counts * values**2).sum(1).tolist()
    means = tuple(total / pixels / 255 for total in sums)
    # In integers until the end: squares and sums are large and nearly cancel.
    spreads = tuple((square * pixels - total * total) ** 0.5 / pixels / 255 for square, total in zip(squares, sums, strict=True))
    return means, tuple(spread or 1.0 for spread in spreads)
