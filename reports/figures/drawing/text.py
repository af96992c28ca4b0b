"""Text that comes from data: always literal, measured before it is placed, wrapped where it is long."""

import re

from bench.reports.figures.drawing.fonts import advance
from bench.reports.figures.drawing.style import SIZE

BREAKS = re.compile(r"(?<=[\s/,=:;_\-–.])")


def shown(text: str) -> str:
    """Return text on one line, and what no font here can draw by its number, such as <96EA>."""
    text = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() and advance(letter) is not None else f"<{ord(letter):04X}>" for letter in text)


def width(text: str, size: float = SIZE) -> float:
    """Return how wide a line of text is, in inches."""
    return sum(advance(letter) or 0.0 for letter in text) * size / 72


def lines_of(text: str, inches: float, size: float = SIZE) -> list[str]:
    """Return text cut into lines that are no wider than `inches`."""
    pieces = [piece for piece in BREAKS.split(shown(text)) if piece]
    lines = [""]
    while pieces:
        piece = pieces.pop(0)
        if width((lines[-1] + piece).rstrip(), size) <= inches:
            lines[-1] += piece
        elif lines[-1]:
            lines.append("")
            pieces.insert(0, piece)
        else:  # one long word
            fits = max(1, next((n for n in range(len(piece), 0, -1) if width(piece[:n], size) <= inches), 1))
            lines[-1] = piece[:fits]
            if piece[fits:]:
                pieces.insert(0, piece[fits:])
                lines.append("")
    return [line.strip() for line in lines]


def wrap(text: str, inches: float, size: float = SIZE, most: int = 3) -> str:
    """Return text cut into lines that are no wider than `inches`; what goes beyond the last of `most` lines ends with `…`."""
    lines = lines_of(text, inches, size)
    if len(lines) > most:
        last = lines[most - 1]
        while last and width(f"{last}…", size) > inches:
            last = last[:-1]
        lines = [*lines[: most - 1], f"{last}…"]
    return "\n".join(lines)


def rows(text: str) -> int:
    return text.count("\n") + 1
