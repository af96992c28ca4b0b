"""Text that came from data as pdflatex prints it, and back."""

import re

MATH = {
    "±": r"\pm", "−": "-", "×": r"\times", "·": r"\cdot", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "∞": r"\infty",
    "→": r"\rightarrow", "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow", "↔": r"\leftrightarrow", "√": r"\surd",
    "∈": r"\in", "°": r"^\circ", "<": "<", ">": ">", "|": "|", "¬": r"\neg", "µ": r"\mu", "†": r"^\dagger", "‡": r"^\ddagger",
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "η": r"\eta", "θ": r"\theta", "κ": r"\kappa",
    "λ": r"\lambda", "μ": r"\mu", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\phi", "χ": r"\chi",
    "ω": r"\omega",
    "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda", "Σ": r"\Sigma", "Φ": r"\Phi", "Ω": r"\Omega",
}  # fmt: skip
TEXT = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", '"': "''", "`": r"\textasciigrave{}",
    "–": "--", "—": "---", "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''",
    "[": "{[}", "]": "{]}", "*": "{*}",  # after \\ these would be read as its arguments
}  # fmt: skip
LATIN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿĂăĆćČčĎďĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŤťŮůŰűŸŹźŻżŽž")
"""Letters that pdflatex's standard font encoding can compose."""
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
DIGITS = "0123456789"
SHOWN = {
    **{f"${word}$": char for char, word in MATH.items()},
    **{rf"\{mark}": mark for mark in "&%$#_{}"},
    **{word: char for char, word in TEXT.items() if word != "'"},
}
"""What TeX is told → what it prints."""


def escape(text: str) -> str:
    """Return text that pdflatex prints as it is; a character that its standard fonts lack is given by its code point."""
    return re.sub(f"[{SUPERSCRIPTS}]+|.", lambda match: _escaped(match[0]), " ".join(text.split()))


def _escaped(piece: str) -> str:
    if piece[0] in SUPERSCRIPTS:
        return rf"\textsuperscript{{{piece.translate(str.maketrans(SUPERSCRIPTS, DIGITS))}}}"
    if piece in MATH:
        return f"${MATH[piece]}$"
    if piece in TEXT:
        return TEXT[piece]
    if piece in "&%$#_{}":
        return f"\\{piece}"
    return piece if (piece.isascii() and piece.isprintable()) or piece in LATIN else rf"{{[}}U+{ord(piece):04X}{{]}}"


TOKEN = re.compile(
    "|".join(re.escape(word) for word in sorted(SHOWN, key=len, reverse=True)) + r"|\\textsuperscript\{(\d+)\}|~|\\allowbreak\{\}"
)


def unescape(text: str) -> str:
    """Return what escaped text shows; straight quotation marks come back as curly ones, a `~` as a space."""
    return TOKEN.sub(_shown, text)


def _shown(match: re.Match) -> str:
    if match[1]:
        return match[1].translate(str.maketrans(DIGITS, SUPERSCRIPTS))
    return {"~": " ", r"\allowbreak{}": ""}.get(match[0]) or SHOWN.get(match[0], "")


def breakable(escaped: str, whole: bool) -> str:
    """Return escaped text that may also break after an underscore or a slash, but not within `a ± b`, nor after the `to` of an
    interval; not before it either where intervals stay whole."""
    escaped = re.sub(r"(\\_|/)(?=\w)", r"\1\\allowbreak{}", escaped)
    escaped = re.sub(r" \$\\pm\$ (?=\d|\$-\$)", r"~$\\pm$~", escaped)
    return re.sub(r"(?<=\d) to (?=\d|\$-\$)", "~to~" if whole else " to~", escaped)
