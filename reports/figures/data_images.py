"""What a figure of images shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """An image. pixels: its RGB bytes, row by row. told: what stands under it."""

    height: int
    width: int
    pixels: bytes
    told: str = ""


@dataclass(frozen=True)
class Strip:
    """A row: the same version of several images."""

    label: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class ImagesPanel:
    """Several versions of the same images, one strip below the other."""

    label: str
    strips: tuple[Strip, ...]


@dataclass(frozen=True)
class Images:
    """Images from before and after denoising, panels side by side."""

    panels: tuple[ImagesPanel, ...]
    notes: tuple[str, ...] = ()
