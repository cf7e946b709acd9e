"""A description's fields, read with the place of each, so that a fault can be found."""

from __future__ import annotations

import re
from collections.abc import Mapping as Keys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, ModelError
from ..image.names import shown
from ..image.yamlnodes import Mapping, Node, Scalar, Sequence, read_nodes

#: Bytes of a description; real ones have a few thousand.
_MOST_BYTES = 4 * 2**20

#: Numbers as YAML 1.2 has them and 1.1 has not: ``1e-6``, ``.inf``.
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.?(inf|Inf|INF)")


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a description: ``path`` leads to it, ``inputs[0].axes[1].size``."""

    file: Path
    path: str
    node: Node

    @classmethod
    def read(cls, file: Path) -> Field:
        """The top of a YAML file; raises `ModelError` where it is not a mapping."""
        try:
            with file.open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            raise ModelError(f"{file}: cannot be read ({error.strerror})") from None
        if len(data) > _MOST_BYTES:
            raise ModelError(f"{file}: has more than {_MOST_BYTES:,} bytes; it is no description")
        try:
            node = read_nodes(data, str(file))
        except InputError as error:
            raise ModelError(shown(error)) from None
        if not isinstance(node, Mapping):
            raise ModelError(f"{file}: holds no keys with values; it is no description of a model")
        return cls(file, "", node)

    def fault(self, text: str) -> ModelError:
        """What is wrong with this field, on one line."""
        return ModelError(shown(": ".join(filter(None, (str(self.file), self.path, text)))))

    def get(self, key: str) -> Field | None:
        """The field ``key`` of this mapping, None where it is not there or null."""
        if not isinstance(self.node, Mapping):
            raise self.fault(f"must hold keys with values, not {self._told()}")
        node = self.node.items.get(key)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        return Field(self.file, f"{self.path}.{key}" if self.path else key, node)

    def need(self, key: str) -> Field:
        """The field ``key`` of this mapping."""
        found = self.get(key)
        if found is None:
            raise self.fault(f"lacks {key!r}")
        return found

    def names(self) -> list[str]:
        """The keys of this mapping, in the file's order."""
        if not isinstance(self.node, Mapping):
            raise self.fault(f"must hold keys with values, not {self._told()}")
        return list(self.node.items)

    def items(self) -> list[Field]:
        """The elements of this list."""
        if not isinstance(self.node, Sequence):
            raise self.fault(f"must be a list, not {self._told()}")
        return [
            Field(self.file, f"{self.path}[{index}]", node)
            for index, node in enumerate(self.node.items)
        ]

    def many(self, key: str) -> list[Field]:
        """The elements of the list ``key``; none where it is not there."""
        found = self.get(key)
        return [] if found is None else found.items()

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, Sequence)

    @property
    def is_mapping(self) -> bool:
        """Whether it holds keys with values."""
        return isinstance(self.node, Mapping)

    def text(self) -> str:
        """The text of this scalar, as it is written: ``1.10`` stays ``1.10``."""
        if not isinstance(self.node, Scalar):
            raise self.fault(f"must be text, not {self._told()}")
        return shown(self.node.text.strip())

    def choice(self, *options: str) -> str:
        """One of ``options``."""
        text = self.text()
        if text not in options:
            raise self.fault(f"is {text!r}, and must be one of {', '.join(options)}")
        return text

    def whole(self, least: int | None = None) -> int:
        """A whole number, at least ``least``."""
        number = self._number()
        if number != number or abs(number) > 2**53 or number != int(number):
            raise self.fault(f"must be a whole number, not {self._told()}")
        if least is not None and number < least:
            raise self.fault(f"must be at least {least}, not {self._told()}")
        return int(number)

    def number(self) -> float:
        """A number; may be infinite."""
        return float(self._number())

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.node, Scalar) or not isinstance(self.node.value, bool):
            raise self.fault(f"must be true or false, not {self._told()}")
        return self.node.value

    def plain(self) -> Any:
        """Numbers, text, lists and mappings as they are."""
        return _plain(self.node, {})

    def mapping(self) -> Keys[str, Any]:
        """As `plain`, of a mapping."""
        self.names()
        found: Keys[str, Any] = self.plain()
        return found

    def _number(self) -> int | float:
        value = _value(self.node) if isinstance(self.node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fault(f"must be a number, not {self._told()}")
        return value

    def _told(self) -> str:
        if isinstance(self.node, Scalar):
            return repr(shown(self.node.text[:60]))
        return "a list" if isinstance(self.node, Sequence) else "keys with values"


def _value(node: Scalar) -> Any:
    text = node.value
    if isinstance(text, str) and _NUMBER.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf"))
    return text


def _plain(node: Node, done: dict[int, Any]) -> Any:
    """Nodes that aliases share are converted once, or a small file would fill the memory."""
    if isinstance(node, Scalar):
        return _value(node)
    if id(node) not in done:
        if isinstance(node, Sequence):
            done[id(node)] = [_plain(item, done) for item in node.items]
        else:
            done[id(node)] = {key: _plain(item, done) for key, item in node.items.items()}
    return done[id(node)]
