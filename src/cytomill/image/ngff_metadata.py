"""What an OME-Zarr folder says of its images: versions 0.1 to 0.5, plates, bioformats2raw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .checks import reading
from .core import PixelSize
from .ome import OmeImage, parse
from .units import micrometres, pixel_size, seconds

#: Axes of images of the versions that did not name them.
_UNNAMED = ("t", "c", "z", "y", "x")

#: Letters of axes by their type, for names of their own.
_TYPES = {"time": "T", "channel": "C"}


@dataclass(frozen=True, slots=True)
class Multiscale:
    """An image of several resolutions: ``array`` is the folder of the full one.

    ``reduced`` are those of the others. ``axes`` is a letter per axis, in upper case; T, C, Z, Y, X
    have their usual meaning. ``interval`` is the time between two frames in seconds.
    """

    array: Path
    axes: str
    pixel_size: PixelSize | None
    channels: tuple[str, ...]
    interval: float | None = None
    reduced: tuple[Path, ...] = ()


def attributes(folder: Path) -> dict[str, Any]:
    """The OME metadata of a Zarr group of either format; empty where there is none.

    Raises `InputError` where the metadata cannot be understood.
    """
    with reading(folder):
        third = folder / "zarr.json"
        if third.is_file():
            found = json.loads(third.read_text(encoding="utf-8")).get("attributes") or {}
            found = found.get("ome", found)
        else:
            second = folder / ".zattrs"
            found = json.loads(second.read_text(encoding="utf-8")) if second.is_file() else {}
        if not isinstance(found, dict):
            raise InputError(folder, "has metadata of another kind", "convert it to OME-Zarr 0.4")
        return found


def images(folder: Path) -> Iterator[tuple[str, Multiscale]]:
    """The images of an OME-Zarr folder and the path of each below it, "" for the folder itself.

    Every field of every well of a plate, every image of a bioformats2raw collection. Raises
    `InputError` where the folder is none of these.
    """
    own = attributes(folder)
    if "multiscales" in own:
        yield "", _multiscale(folder, own, None)
    elif "plate" in own:
        with reading(folder):
            wells = [str(well["path"]) for well in own["plate"]["wells"]]
        for well in wells:
            within = _below(folder, well)
            with reading(within):
                fields = [str(field["path"]) for field in _required(within, "well")["images"]]
            for field in fields:
                place = _below(within, field)
                yield f"{well}/{field}", _multiscale(place, attributes(place), None)
    elif "bioformats2raw.layout" in own:
        described = _described(folder)
        for number, name in enumerate(_series(folder)):
            about = described[number] if number < len(described) else None
            place = _below(folder, name)
            yield name, _multiscale(place, attributes(place), about)
    else:
        raise InputError(
            folder,
            "is not OME-Zarr: it says nothing of images",
            "give the folder that holds zarr.json or .zattrs with 'multiscales'",
        )


def _below(folder: Path, name: str) -> Path:
    """The folder ``name`` in ``folder``; metadata must not lead a reader out of it."""
    if name.startswith("/") or ".." in name.split("/"):
        raise InputError(folder, f"points outside itself ({name!r})", "convert it again")
    return folder / name


def _required(folder: Path, key: str) -> dict[str, Any]:
    found = attributes(folder).get(key)
    if not isinstance(found, dict):
        raise InputError(folder, f"lacks its {key!r} metadata", "copy or convert it again")
    return found


def _series(folder: Path) -> list[str]:
    """The names of a collection's images: as listed, else counted from 0."""
    listed = attributes(folder / "OME").get("series")
    if isinstance(listed, list):
        return [str(name) for name in listed]
    names: list[str] = []
    while (folder / str(len(names))).is_dir():
        names.append(str(len(names)))
    if not names:
        raise InputError(folder, "is an OME-Zarr collection without images", "copy it again")
    return names


def _described(folder: Path) -> list[OmeImage]:
    """What bioformats2raw says in OME-XML, in the folder or, as its first releases did, beside."""
    for place in (folder / "OME", folder.parent):
        xml = place / "METADATA.ome.xml"
        if xml.is_file():
            with reading(xml):
                return parse(xml.read_text(encoding="utf-8", errors="replace"))
    return []


def _multiscale(folder: Path, own: dict[str, Any], about: OmeImage | None) -> Multiscale:
    """The first multiscale image of a group; ``about`` fills in what the group does not say."""
    with reading(folder):
        multiscales = own.get("multiscales")
        if not multiscales:
            raise InputError(folder, "lacks its 'multiscales' metadata", "copy or convert it again")
        first = multiscales[0]
        full = first["datasets"][0]
        given = first.get("axes") or _UNNAMED
        axes = [axis if isinstance(axis, dict) else {"name": str(axis)} for axis in given]
        letters = "".join(_letter(axis) for axis in axes)
        scale = _scale(full, first, len(axes))
        lengths = {
            letter: micrometres(step, str(axis.get("unit", "")))
            for letter, axis, step in zip(letters, axes, scale, strict=True)
        }
        times = (
            seconds(step, str(axis.get("unit", "")))
            for letter, axis, step in zip(letters, axes, scale, strict=True)
            if letter == "T"
        )
        size = pixel_size(lengths.get("Y"), lengths.get("X"), lengths.get("Z"))
        listed = (own.get("omero") or {}).get("channels") or []
        channels = tuple(str(channel.get("label", "")) for channel in listed)
        return Multiscale(
            _below(folder, str(full["path"])),
            letters,
            size or (about.pixel_size if about else None),
            channels or (about.channels if about else ()),
            next(filter(None, times), None) or (about.interval if about else None),
            tuple(_below(folder, str(one["path"])) for one in first["datasets"][1:]),
        )


def _letter(axis: dict[str, Any]) -> str:
    name = str(axis.get("name", "")).upper()
    if len(name) == 1 and name in "TCZYX":
        return name
    return _TYPES.get(str(axis.get("type", "")), name[:1] or "?")


def _scale(dataset: dict[str, Any], multiscale: dict[str, Any], count: int) -> list[float]:
    """The distance between elements along each axis: that of the array times that of all."""
    scale = [1.0] * count
    for owner in (dataset, multiscale):
        for transformation in owner.get("coordinateTransformations") or []:
            factors = transformation.get("scale")
            if transformation.get("type") == "scale" and len(factors or []) == count:
                scale = [a * float(b) for a, b in zip(scale, factors, strict=True)]
    return scale
