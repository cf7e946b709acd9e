"""Reading datasets: from the YAML of the DeepHealth toolkit to the entries it describes.

The form of the file is in `dataset_model`. What ECVL fetches with a shell (URLs) is refused.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NoReturn

from ..errors import InputError
from .dataset_model import Dataset, Sample
from .entry import Entry, FaultSource, PathSource, Source, unreadable
from .names import clean, shown
from .planes import PlanesSource
from .yamlnodes import Mapping as MappingNode
from .yamlnodes import Node, Scalar, Value, read_nodes
from .yamlnodes import Sequence as SequenceNode

__all__ = ["Dataset", "Sample", "dataset_entries", "parse_dataset", "read_dataset"]

#: Bytes of a dataset file: a million images take about a tenth of it.
_MOST_BYTES = 2**30 // 16

_KEYS = ("name", "description", "classes", "features", "images", "split")
_IMAGE_KEYS = ("location", "label", "values")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def read_dataset(path: Path) -> Dataset:
    """The dataset in a file. Raises `InputError` naming the line for anything that is not legal."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    if len(data) > _MOST_BYTES:
        raise InputError(
            shown(path), f"is larger than {_MOST_BYTES:,} bytes", "divide it into several files"
        )
    return parse_dataset(data, shown(path))


def parse_dataset(data: bytes | str, subject: str = "dataset") -> Dataset:
    """The dataset in YAML text; ``subject`` is how errors call it. Raises `InputError`."""
    return _Parser(subject).dataset(
        read_nodes(data.encode() if isinstance(data, str) else data, subject)
    )


def dataset_entries(path: Path, split: str | None = None) -> list[Entry]:
    """The images of a dataset file in its order, or those of one of its splits.

    Names are locations relative to the file; of a list of planes that of the first. An image that
    cannot be used (a URL, a missing file) is an entry whose ``open`` raises the `InputError`.
    Raises `InputError` for a file that is no dataset, `OptionError` for an unknown split.
    """
    dataset = read_dataset(path)
    return [_entry(path, dataset, index) for index in dataset.chosen(split)]


def _entry(path: Path, dataset: Dataset, index: int) -> Entry:
    sample = dataset.images[index]
    planes = [sample.location] if isinstance(sample.location, str) else list(sample.location)
    folder = path.parent
    name = _relative_name(planes[0], folder)
    truth = _truth(dataset, sample, folder)
    subject = f"{shown(path)}, line {sample.line}"
    source: Source
    if url := next((plane for plane in planes if _URL.match(plane)), None):
        fault = f"images[{index}] is a URL, {shown(url)}"
        return Entry(name, FaultSource(subject, fault, "download it and give its path"), truth)
    if truth is not None and dataset.classes is not None and not truth.exists():
        return Entry(
            name,
            FaultSource(
                subject,
                f"label {sample.label!r} of images[{index}] is neither a class nor a file",
                f"the classes are {', '.join(dataset.classes)}",
            ),
        )
    if len(planes) == 1:
        source = PathSource(folder / planes[0])
    else:
        source = PlanesSource(tuple(folder / plane for plane in planes))
    return Entry(name, source, truth)


def _relative_name(location: str, folder: Path) -> str:
    """``location`` relative to ``folder`` where it is below it, else its last component."""
    if _URL.match(location):
        return clean(location.rsplit("/", 1)[-1])
    relative = Path(os.path.relpath(folder / location, folder))
    return clean(relative.name if ".." in relative.parts else relative.as_posix())


def _truth(dataset: Dataset, sample: Sample, folder: Path) -> Path | None:
    """The ground-truth image, if the label is one: text that is neither class nor index nor URL."""
    label = sample.label
    if not isinstance(label, str) or label in (dataset.classes or ()):
        return None
    return None if label.isdecimal() or _URL.match(label) else folder / label


class _Parser:
    """Checks nodes and makes a dataset of them."""

    def __init__(self, subject: str) -> None:
        self.subject = subject

    def dataset(self, root: Node | None) -> Dataset:
        if not isinstance(root, MappingNode):
            self.fail(root, "is not a dataset", "a dataset is a mapping with a list of images")
        items = self.keys(root, _KEYS)
        if "images" not in items:
            self.fail(root, "has no images", "is it a dataset? it needs a list of images")
        classes = self.texts(items.get("classes"), "classes")
        features = self.texts(items.get("features"), "features")
        images = self.images(items["images"], classes, features)
        return Dataset(
            images=images,
            name=self.optional_text(items.get("name"), "name"),
            description=self.optional_text(items.get("description"), "description"),
            classes=classes,
            features=features,
            splits=self.splits(items.get("split"), len(images)),
        )

    def images(
        self, node: Node, classes: tuple[str, ...] | None, features: tuple[str, ...] | None
    ) -> tuple[Sample, ...]:
        if not isinstance(node, SequenceNode) or not node.items:
            self.fail(node, "images is not a list of at least one image")
        samples = []
        first: dict[tuple[str, ...], int] = {}
        for index, item in enumerate(node.items):
            what = f"images[{index}]"
            sample = self.sample(item, what, classes, features)
            planes = (sample.location,) if isinstance(sample.location, str) else sample.location
            key = tuple(os.path.normpath(plane) for plane in planes)
            if key in first:
                self.fail(item, f"{what} has the location of images[{first[key]}]", "remove one")
            first[key] = index
            samples.append(sample)
        return tuple(samples)

    def sample(
        self,
        node: Node,
        what: str,
        classes: tuple[str, ...] | None,
        features: tuple[str, ...] | None,
    ) -> Sample:
        if not isinstance(node, MappingNode):
            return Sample(self.location(node, what), line=node.line)
        items = self.keys(node, _IMAGE_KEYS)
        if "location" not in items:
            self.fail(node, f"{what} has no location")
        return Sample(
            self.location(items["location"], what),
            self.label(items.get("label"), what, classes),
            self.values(items.get("values"), what, features),
            node.line,
        )

    def location(self, node: Node, what: str) -> str | tuple[str, ...]:
        if isinstance(node, SequenceNode) and node.items:
            return tuple(self.path(item, what) for item in node.items)
        return self.path(node, what)

    def path(self, node: Node, what: str) -> str:
        text = self.text(node, f"the location of {what}")
        if not text or "\0" in text:
            self.fail(node, f"the location of {what} is not a path")
        return text

    def label(
        self, node: Node | None, what: str, classes: tuple[str, ...] | None
    ) -> str | int | tuple[str | int, ...] | None:
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        if isinstance(node, SequenceNode):
            return tuple(self.one_label(item, what, classes) for item in node.items)
        return self.one_label(node, what, classes)

    def one_label(self, node: Node, what: str, classes: tuple[str, ...] | None) -> str | int:
        text = self.text(node, f"the label of {what}")
        value = node.value if isinstance(node, Scalar) else None
        if not isinstance(value, int) or isinstance(value, bool):
            return text
        if value < 0 or (classes is not None and value >= len(classes)):
            count = "" if classes is None else f"; there are {len(classes)}, counted from 0"
            self.fail(node, f"label {value} of {what} is not the index of a class{count}")
        return value

    def values(
        self, node: Node | None, what: str, features: tuple[str, ...] | None
    ) -> tuple[Value, ...] | dict[str, Value] | None:
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        if isinstance(node, SequenceNode):
            return tuple(self.value(item, what) for item in node.items)
        if not isinstance(node, MappingNode):
            self.fail(node, f"the values of {what} are neither a list nor a mapping")
        for key, item in node.items.items():
            if features is not None and key not in features:
                self.fail(
                    item,
                    f"{what} has a value for {key!r}, which is not a feature",
                    f"the features are {', '.join(features)}",
                )
        return {key: self.value(item, what) for key, item in node.items.items()}

    def value(self, node: Node, what: str) -> Value:
        if not isinstance(node, Scalar):
            self.fail(node, f"a value of {what} is not a single value")
        return node.value

    def splits(self, node: Node | None, count: int) -> dict[str, tuple[int, ...]] | None:
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        if not isinstance(node, MappingNode):
            self.fail(node, "split is not a mapping of names to lists of indices")
        return {name: self.indices(item, name, count) for name, item in node.items.items()}

    def indices(self, node: Node, name: str, count: int) -> tuple[int, ...]:
        if not isinstance(node, SequenceNode):
            self.fail(node, f"split {name} is not a list of indices")
        result = []
        for item in node.items:
            index = item.value if isinstance(item, Scalar) else None
            if not isinstance(index, int) or isinstance(index, bool):
                self.fail(item, f"split {name} has something that is not an index")
            if not 0 <= index < count:
                self.fail(
                    item, f"split {name} has index {index}; the {count} images are 0 to {count - 1}"
                )
            result.append(index)
        return tuple(result)

    def keys(self, node: MappingNode, known: tuple[str, ...]) -> dict[str, Node]:
        for key, item in node.items.items():
            if key not in known:
                self.fail(item, f"has an unknown key, {key!r}", f"keys are {', '.join(known)}")
        return node.items

    def texts(self, node: Node | None, what: str) -> tuple[str, ...] | None:
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        if not isinstance(node, SequenceNode):
            self.fail(node, f"{what} is not a list of names")
        return tuple(self.text(item, f"an item of {what}") for item in node.items)

    def optional_text(self, node: Node | None, what: str) -> str | None:
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        return self.text(node, what)

    def text(self, node: Node, what: str) -> str:
        if not isinstance(node, Scalar) or node.value is None:
            self.fail(node, f"{what} is not text")
        return node.text

    def fail(self, node: Node | None, fault: str, advice: str = "correct the line") -> NoReturn:
        raise InputError(
            self.subject if node is None else f"{self.subject}, line {node.line}",
            shown(fault),
            shown(advice),
        )
