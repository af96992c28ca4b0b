"""Which fonts are here, what they can draw, and how wide each letter is."""

from functools import cache

FAMILY = "DejaVu Sans"
"""Comes with matplotlib, so that figures look the same everywhere."""
OTHERS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans", "Noto Sans Symbols", "Noto Sans Symbols2", "Unifont")
"""Used, where they are installed, for letters that the standard font lacks."""


@cache
def families() -> tuple[str, ...]:
    """Return the fonts that are there: the standard one, then the others."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return (FAMILY, *(name for name in OTHERS if name in installed))


@cache
def advance(letter: str) -> float | None:
    """Return the width of a letter in units of the type size; None where no font here can draw it."""
    from matplotlib.ft2font import LoadFlags

    for family in families():
        font = _font(family)
        if ord(letter) in _letters(family):
            return font.load_char(ord(letter), flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536 / 100
    return None


@cache
def _font(family: str):
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    font = FT2Font(findfont(FontProperties(family=[family])))  # our own: matplotlib's shared ones are set to other sizes
    font.set_size(100, 72)
    return font


@cache
def _letters(family: str) -> frozenset[int]:
    return frozenset(_font(family).get_charmap())
