"""A drawing made part of an HTML page."""

import re
from xml.etree import ElementTree

SCALE = 1.3
"""Drawings are made for paper, at the size of its small print; a screen is read from farther away."""
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


def inline(image: bytes, prefix: str, title: str) -> str:
    """Return an SVG file as an element of a page. Its ids begin with the prefix, so that two drawings do not mix; its style
    reaches nothing else; screen readers say the title.
    """
    root = ElementTree.fromstring(image)
    styles = []
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{{{SVG}}}style":
                styles.append(child.text or "")
            if child.tag in (f"{{{SVG}}}style", f"{{{SVG}}}metadata"):
                parent.remove(child)
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, _renamed(name, value, prefix))
    if match := re.fullmatch(r"([\d.]+)pt", root.get("width", "")):
        root.set("width", f"{SCALE * float(match[1]):.0f}pt")
        root.attrib.pop("height", None)  # follows from the view box, also where the page is narrow
    root.set("role", "img")
    root.set("aria-label", title)
    # a rule for `*` would reach the rest of the page
    rules = [style.strip().removeprefix("*").strip(" {}\n") for style in styles]
    root.set("style", "; ".join([rule for rule in rules if "{" not in rule and rule] + [root.get("style", "")]).strip("; "))
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(root, encoding="unicode")


def _renamed(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name in ("href", f"{{{XLINK}}}href") and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    return value.replace("url(#", f"url(#{prefix}-")
