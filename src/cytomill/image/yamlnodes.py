"""YAML as plain nodes with line numbers, from text that nobody vouches for.

Nodes are built from the parser's events in a loop. PyYAML's own composers recurse: deep nesting
overflows the stack of one and crashes the process of the other. Nothing is constructed but text,
numbers, booleans and null; of the many forms of those in YAML 1.1 only the usual ones are taken,
so that ``no``, ``1_000`` and ``12:30`` stay the text that people mean by them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from ..errors import InputError

Value = str | int | float | bool | None

#: Nodes of one document, each use of an alias counted with all it stands for.
_MOST_NODES = 10_000_000

#: Levels of nesting; a dataset has five.
_DEEPEST = 16

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?")
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(slots=True)
class Scalar:
    """A single value: its text, and the value that the text is of."""

    line: int
    text: str
    value: Value


@dataclass(slots=True)
class Sequence:
    """A list."""

    line: int
    items: list[Node] = field(default_factory=list)
    size: int = 1


@dataclass(slots=True)
class Mapping:
    """Keys with values, in the order of the document; keys are text and differ."""

    line: int
    items: dict[str, Node] = field(default_factory=dict)
    size: int = 1


Node = Scalar | Sequence | Mapping


def read_nodes(data: bytes, subject: str) -> Node | None:
    """The one document of ``data``; None where it is empty.

    Raises `InputError` that names ``subject`` and the line for anything but plain YAML.
    """
    builder = _Builder(subject)
    parser = None
    try:
        parser = _PARSER(data)
        while (event := parser.get_event()) is not None:
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", 0) + 1
        where = f"{subject}, line {line}"
        raise InputError(where, f"is not YAML ({error.problem})", "correct the line") from None
    except (yaml.YAMLError, UnicodeError):
        raise InputError(subject, "is not text in UTF-8", "save it as UTF-8") from None
    finally:
        if parser is not None:
            parser.dispose()
    return builder.root


def resolve(text: str) -> Value:
    """The value of an unquoted scalar."""
    lowered = text.lower()
    if lowered in _WORDS and text in (lowered, lowered.capitalize(), lowered.upper()):
        return _WORDS[lowered]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


class _Builder:
    """Builds nodes from events."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.root: Node | None = None
        self.open: list[tuple[Sequence | Mapping, str | None]] = []
        self.key: list[Scalar | None] = []
        self.anchors: dict[str, Node] = {}
        self.documents = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self.fail(line, "starts a second document", "keep one document in the file")
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self.fail(line, f"refers to *{event.anchor}, which is not complete before it")
            self.add(self.anchors[event.anchor], line)
        elif isinstance(event, yaml.ScalarEvent):
            self.check_tag(event, line)
            value = resolve(event.value) if event.implicit[0] else event.value
            node = Scalar(line, event.value, value)
            if event.anchor:
                self.anchors[event.anchor] = node
            self.add(node, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.check_tag(event, line)
            if len(self.open) == _DEEPEST:
                raise self.fail(line, f"is nested more than {_DEEPEST} levels deep")
            kind = Sequence if isinstance(event, yaml.SequenceStartEvent) else Mapping
            self.open.append((kind(line), event.anchor))
            self.key.append(None)
        elif isinstance(event, yaml.CollectionEndEvent):
            done, anchor = self.open.pop()
            self.key.pop()
            if anchor:
                self.anchors[anchor] = done
            self.add(done, done.line)

    def add(self, node: Node, line: int) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1][0]
        parent.size += 1 if isinstance(node, Scalar) else node.size
        if parent.size > _MOST_NODES:
            raise self.fail(line, f"unfolds to more than {_MOST_NODES:,} values")
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif (key := self.key[-1]) is not None:
            parent.items[key.text] = node
            self.key[-1] = None
        elif not isinstance(node, Scalar):
            raise self.fail(line, "has a list or mapping for a key")
        elif node.text in parent.items:
            raise self.fail(line, f"gives {node.text!r} a second time")
        else:
            self.key[-1] = node

    def check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
        known = (
            (None, "!", "tag:yaml.org,2002:str") if isinstance(event, yaml.ScalarEvent) else (None,)
        )
        if event.tag not in known:
            raise self.fail(line, f"has a tag, {event.tag}", "remove the tag")

    def fail(self, line: int, fault: str, advice: str = "correct the line") -> InputError:
        return InputError(f"{self.subject}, line {line}", fault, advice)
