"""OME-XML: what it says of each image, and which files it speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from .core import PixelSize
from .units import micrometres, pixel_size, seconds

#: A reference from a plane to the file that holds it, and the file's name in it.
_PLANE_FILE = re.compile(r"<(\w+:)?UUID\b[^>]*?/>|<(\w+:)?UUID\b[^>]*>.*?</(\w+:)?UUID\s*>", re.S)
_FILE_NAME = re.compile(r'(FileName\s*=\s*)(["\'])(.*?)\2', re.S)


@dataclass(frozen=True, slots=True)
class OmeImage:
    """One ``Image`` element; ``channels`` is empty where no channel has a name.

    ``interval`` is the time between two frames in seconds.
    """

    name: str
    pixel_size: PixelSize | None
    channels: tuple[str, ...]
    interval: float | None = None


def parse(xml: str) -> list[OmeImage]:
    """The images that OME-XML describes, in order; none where it cannot be understood."""
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError):
        return []
    return [
        OmeImage(image.get("Name", ""), _pixel_size(pixels), _channels(pixels), _interval(pixels))
        for image in _children(root, "Image")
        for pixels in _children(image, "Pixels")
    ]


def companion(xml: str) -> str | None:
    """The name of the file that holds the real metadata, where ``xml`` only points to it."""
    found = re.search(r"<(?:\w+:)?BinaryOnly\b[^>]*\bMetadataFile\s*=\s*[\"']([^\"']+)", xml)
    return found.group(1) if found else None


def resolve(xml: str, path: Path) -> str:
    """The OME-XML to read ``path`` by, given what the file itself holds.

    The text of the companion file, where ``xml`` points to one that is there. Files are only ever
    looked for beside ``path``, whatever folders are named. Where all planes are in one file, the
    references go: it is this one, also after it was renamed.
    """
    if (name := companion(xml)) is not None:
        beside = path.with_name(_last(name))
        if not beside.is_file():
            return xml
        xml = beside.read_text(encoding="utf-8", errors="replace")
    references = "".join(found.group() for found in _PLANE_FILE.finditer(xml))
    if len({_last(found.group(3)) for found in _FILE_NAME.finditer(references)}) < 2:
        return _PLANE_FILE.sub("", xml)
    return _PLANE_FILE.sub(
        lambda found: _FILE_NAME.sub(
            lambda name: f"{name[1]}{name[2]}{_last(name[3])}{name[2]}", found.group()
        ),
        xml,
    )


def _last(name: str) -> str:
    """The last part of a path of any system, never one that leads elsewhere."""
    return re.split(r"[\\/]", name)[-1].strip(".") or "unnamed"


def _children(parent: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    """The children of one name, whatever namespace they are in."""
    return (child for child in parent if child.tag.rpartition("}")[2] == tag)


def _pixel_size(pixels: ElementTree.Element) -> PixelSize | None:
    def length(axis: str) -> float | None:
        value = pixels.get(f"PhysicalSize{axis}", "")
        return micrometres(value, pixels.get(f"PhysicalSize{axis}Unit", "µm"))

    deep = pixels.get("SizeZ", "1") != "1"
    return pixel_size(length("Y"), length("X"), length("Z") if deep else None)


def _interval(pixels: ElementTree.Element) -> float | None:
    """The time between frames as declared, else the mean of that between their first planes."""
    unit = pixels.get("TimeIncrementUnit", "s")
    if (declared := seconds(pixels.get("TimeIncrement", ""), unit)) is not None:
        return declared
    times: dict[int, float] = {}
    for plane in _children(pixels, "Plane"):
        # The first frame is at 0, which is no length of time.
        given, frame = plane.get("DeltaT", ""), plane.get("TheT", "")
        with suppress(ValueError):
            step = seconds(1, plane.get("DeltaTUnit", "s"))
            if step is not None:
                times.setdefault(int(frame), float(given) * step)
    if len(times) < 2:
        return None
    first, last = min(times), max(times)
    return seconds((times[last] - times[first]) / (last - first), "s")


def _channels(pixels: ElementTree.Element) -> tuple[str, ...]:
    names = tuple(
        (channel.get("Name") or channel.get("Fluor") or "").strip()
        for channel in _children(pixels, "Channel")
    )
    return names if any(names) else ()
