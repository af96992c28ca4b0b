"""SVG as Matplotlib writes it, in fewer bytes: the same drawing, a third of the size, its text still text."""

import io
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from itertools import groupby
from xml.etree import ElementTree

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
GROUP = f"{{{SVG}}}g"
HREF = f"{{{XLINK}}}href"
ROUNDED = ("d", "x", "y", "transform", "points", "width", "height")
LARGE = 1000
"""Characters of an embedded image."""
MOST_ENLARGED = 32
LINK = re.compile(r"#([A-Za-z][\w.-]*)(?=\)|$| )")
NUMBER = re.compile(r"-?\d+\.\d{3,}")
UPRIGHT = re.compile(r"rotate\(-?0(\.0+)? [^)]*\)")
OWN = ("opacity", "clip-path", "filter", "mask")
"""Properties that a group does not hand on to each of its parts."""


def compact(content: bytes) -> bytes:
    """Return an SVG file with its numbers to a hundredth of a point, without ids that nothing refers to and groups that say
    nothing, and with what neighbours share of their style said once. Text comes last among its neighbours, and so on top."""
    root = ElementTree.fromstring(content)
    links = " ".join(value for element in root.iter() for value in _links(element))
    short = {name: f"i{number}" for number, name in enumerate(dict.fromkeys(LINK.findall(links)))}
    for element in root.iter():
        if name := short.get(element.attrib.pop("id", "")):
            element.set("id", name)
        for name, value in element.attrib.items():
            if value in _links(element):
                element.set(name, LINK.sub(lambda found: f"#{short[found[1]]}", value))
        for name, value in element.attrib.items():
            element.set(name, _shorter(name, value))
        if UPRIGHT.fullmatch(element.get("transform", "")):
            del element.attrib["transform"]
        element.tail = None
        if not (element.text or "").strip():
            element.text = None
    _tidy(root)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)


def _links(element: ElementTree.Element) -> Iterator[str]:
    yield from (value for name, value in element.attrib.items() if (name == HREF and value.startswith("#")) or "url(#" in value)


def _shorter(name: str, value: str) -> str:
    if name == HREF:
        return _picture(value.replace("\n", ""))
    if name == "style":
        return re.sub(r"\s*([;:])\s*", r"\1", value.strip().strip(";"))
    if name not in ROUNDED:
        return value
    value = NUMBER.sub(lambda found: f"{float(found[0]):.{1 if name in ('x', 'y') else 2}f}".rstrip("0").rstrip("."), value)
    return re.sub(r"\s*([MLQCZz])\s*", r"\1", value).strip() if name == "d" else value


def _picture(link: str) -> str:
    """Return an embedded image; a large one a pixel a pixel, which viewers of SVG enlarge as they are told, and with at most 64
    colours of its own, which a picture of some thousand pixels hardly shows."""
    head, _, data = link.partition("base64,")
    if len(data) < LARGE:
        return link
    from PIL import Image

    image = Image.open(io.BytesIO(b64decode(data))).convert("RGB")
    wide, tall = image.size
    for times in range(MOST_ENLARGED, 1, -1):
        small = image.resize((wide // times, tall // times), Image.Resampling.NEAREST)
        if not (wide % times or tall % times) and small.resize(image.size, Image.Resampling.NEAREST).tobytes() == image.tobytes():
            image = small
            break
    content = io.BytesIO()
    image.quantize(64, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return f"{head}base64,{b64encode(content.getvalue()).decode()}"


def _tidy(parent: ElementTree.Element) -> None:
    """Take out groups that say nothing, and say once what neighbours of one kind share of their style."""
    parts: list[ElementTree.Element] = []
    for child in list(parent):
        _tidy(child)
        plain = child.tag == GROUP and not child.attrib
        parts += list(child) if plain else [child]
        parent.remove(child)
    parts.sort(key=_place)
    for (*_, tag, _, clip), run in groupby(parts, key=lambda part: (*_place(part), part.tag, _look(part), _clip(part))):
        same = list(run)
        shared = set.intersection(*(set(_style(part)) for part in same)) if tag != GROUP and len(same) > 1 else set()
        shared = {item for item in shared if item.partition(":")[0] not in OWN}
        if not shared and (not clip or len(same) < 2):
            parent.extend(same)
            continue
        group = ElementTree.SubElement(parent, GROUP)
        if shared:
            group.set("style", ";".join(item for item in _style(same[0]) if item in shared))
        if clip:
            group.set("clip-path", clip)
        for part in same:
            if clip:
                del part.attrib["clip-path"]
            rest = ";".join(item for item in _style(part) if item not in shared)
            if rest:
                part.set("style", rest)
            else:
                part.attrib.pop("style", None)
            group.append(part)


def _place(element: ElementTree.Element) -> tuple[bool, str]:
    """Sort key: text after all else, by its size and where it is anchored."""
    is_text = element.tag == f"{{{SVG}}}text"
    kind = [item for item in _style(element) if item.startswith(("font-size:", "text-anchor:"))]
    return is_text, ";".join(kind) if is_text else ""


def _look(element: ElementTree.Element) -> str:
    """Return the style of what is no text, whose neighbours are put together where all of it is alike."""
    return "" if element.tag == f"{{{SVG}}}text" else element.get("style", "")


def _clip(element: ElementTree.Element) -> str:
    """Return what an element is cut off by, if all of its group may be."""
    return "" if "transform" in element.attrib or element.tag == GROUP else element.get("clip-path", "")


def _style(element: ElementTree.Element) -> list[str]:
    return [item for item in element.get("style", "").split(";") if item]
