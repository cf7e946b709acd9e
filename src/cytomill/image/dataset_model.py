"""Datasets: what the YAML says that the DeepHealth toolkit describes sets of images with.

::

    name: str                      # optional, as are description, classes, features and split
    classes: [str, ...]
    features: [str, ...]
    images:
      - path
      - [plane, plane, ...]
      - location: path | [path, ...]
        label: class name | class index | [names] | [indices] | path of a ground-truth image
        values: [v, null, v] | {feature: v}
    split:
      training: [index, ...]       # any names, indices from 0

Paths are relative to the file. The source of the format is ``modules/dataset`` of ECVL, and its
draft "DeepHealth Toolkit Dataset Format".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..errors import OptionError
from .yamlnodes import Value


class _Dumper(yaml.SafeDumper):
    """Escapes the line separators that PyYAML writes as they are and reads as spaces."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = '"' if re.search("[\x85\u2028\u2029\ufeff]", text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _Dumper.represent_text)


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of a dataset, as written: nothing is resolved.

    ``location`` is a path, or the paths of planes. A whole number in ``label`` is an index of the
    dataset's classes; text is a class or the path of a ground-truth image. ``line`` is where the
    file says so, from 1; 0 where there is no file.
    """

    location: str | tuple[str, ...]
    label: str | int | tuple[str | int, ...] | None = None
    values: tuple[Value, ...] | Mapping[str, Value] | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of images with what is known of them; ``splits`` hold indices of ``images``."""

    images: tuple[Sample, ...]
    name: str | None = None
    description: str | None = None
    classes: tuple[str, ...] | None = None
    features: tuple[str, ...] | None = None
    splits: Mapping[str, tuple[int, ...]] | None = None

    def to_yaml(self) -> str:
        """The dataset as YAML; `parse_dataset` of it is equal to this one."""
        plain: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "classes": _listed(self.classes),
            "features": _listed(self.features),
            "images": [_plain(image) for image in self.images],
            "split": None
            if self.splits is None
            else {name: list(indices) for name, indices in self.splits.items()},
        }
        return yaml.dump(
            {key: value for key, value in plain.items() if value is not None},
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
        )

    def chosen(self, split: str | None) -> list[int]:
        """Indices of the images of a split, ascending; of all images for None.

        Raises `OptionError` naming the splits there are.
        """
        if split is None:
            return list(range(len(self.images)))
        if split not in (self.splits or {}):
            have = f"its splits are {', '.join(self.splits)}" if self.splits else "it has no splits"
            raise OptionError(f"--split {split}: the dataset has no such split; {have}")
        return sorted(set((self.splits or {})[split]))


def _listed(texts: tuple[str, ...] | None) -> list[str] | None:
    return None if texts is None else list(texts)


def _plain(sample: Sample) -> Any:
    """A sample as YAML knows it, in the short form where that says all."""
    location = sample.location if isinstance(sample.location, str) else list(sample.location)
    if sample.label is None and sample.values is None:
        return location
    plain: dict[str, Any] = {"location": location}
    if sample.label is not None:
        plain["label"] = list(sample.label) if isinstance(sample.label, tuple) else sample.label
    if sample.values is not None:
        values = sample.values
        plain["values"] = list(values) if isinstance(values, tuple) else dict(values)
    return plain
