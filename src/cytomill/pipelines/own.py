"""A user's own pipelines: the files of a folder, each with a class or more.

Their names are read from the text, so that listing them runs none of them, and one with a fault
stands in nobody's way. A file is run when its pipeline is asked for, and again after it changed.
"""

from __future__ import annotations

import ast
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

from ..errors import OptionError
from .base import Pipeline

#: What changes when a file does: time in ns, bytes, inode.
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class OwnPipeline:
    """A pipeline that the file ``path`` says it has in its class ``kind``; else its ``fault``."""

    name: str
    path: Path
    kind: str = ""
    fault: str = ""


@dataclass(slots=True)
class _File:
    """What a file had when it was as ``stamp`` says."""

    stamp: _Stamp
    pipelines: tuple[OwnPipeline, ...]
    module: ModuleType | None = None


class OwnPipelines:
    """The pipelines in the files of ``folder``, as they are at each call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser()
        self._files: dict[Path, _File] = {}
        self._lock = RLock()  # a file that runs may ask for other pipelines

    def found(self) -> list[OwnPipeline]:
        """What there is, ordered by file; files that begin with ``_`` or ``.`` are left out.

        A file that cannot be read, or has no pipeline, stands under its own name with the fault.
        Raises `OptionError` where the folder cannot be read.
        """
        with self._lock:
            return [one for file in self._scan().values() for one in file.pipelines]

    def load(self, wanted: OwnPipeline) -> type[Pipeline[Any]]:
        """The class. Raises `OptionError` with file and line where it cannot be had."""
        if wanted.fault:
            raise OptionError(wanted.fault)
        with self._lock:
            file = self._scan().get(wanted.path)
            if file is None or wanted not in file.pipelines:
                raise OptionError(f"{wanted.path}: has no pipeline {wanted.name!r} any more")
            if file.module is None:
                file.module = self._run(wanted.path)
            module = file.module
        kind = getattr(module, wanted.kind, None)
        if not isinstance(kind, type) or not issubclass(kind, Pipeline):
            raise OptionError(
                f"{wanted.path}: its class {wanted.kind} is no pipeline; make it a subclass of "
                "cytomill.pipelines.base.Pipeline, or give it no name"
            )
        return kind

    def _scan(self) -> dict[Path, _File]:
        try:
            paths = sorted(path for path in self._folder.iterdir() if path.suffix == ".py")
        except FileNotFoundError:
            paths = []
        except OSError as error:
            raise OptionError(
                f"{self._folder}: cannot be read ({error.strerror}); correct it or "
                "CYTOMILL_PIPELINES"
            ) from None
        stamps = {path: _stamp(path) for path in paths if path.name[0] not in "._"}
        self._files = {
            path: known
            if (known := self._files.get(path)) is not None and known.stamp == stamp
            else _File(stamp, tuple(_parsed(path)))
            for path, stamp in stamps.items()
        }
        return self._files

    def _run(self, path: Path) -> ModuleType:
        """A new module of the file: what runs with an earlier one goes on with it."""
        # The same name in every process, for what one hands to another of its classes.
        name = f"cytomill_own_{path.stem}"
        module = ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module  # where pydantic looks up the types of options
        try:
            code = compile(path.read_bytes(), path, "exec", dont_inherit=True)
            exec(code, module.__dict__)
        except (Exception, SystemExit) as error:  # whatever a file of others raises
            del sys.modules[name]
            raise OptionError(_fault(path, error)) from error
        return module


def _stamp(path: Path) -> _Stamp:
    try:
        told = path.stat()
    except OSError:  # what is wrong is told when it is read
        return 0, 0, 0
    return told.st_mtime_ns, told.st_size, told.st_ino


def _parsed(path: Path) -> list[OwnPipeline]:
    """The classes at the top of a file that have bases and a ``name``."""
    try:
        tree = ast.parse(path.read_bytes(), path)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [OwnPipeline(path.stem, path, fault=_fault(path, error))]
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.bases:
            name = _name(node)
            if name is None:
                continue
            fault = ""
            if not name.isidentifier():
                fault = (
                    f"{path}, line {node.lineno}: the name {name!r} of class {node.name} is not of "
                    "letters, digits and '_'; change it"
                )
            found.append(OwnPipeline(name, path, node.name, fault))
    if not found:
        told = f"{path}: has no pipeline; give its class a line such as name = {path.stem!r}"
        return [OwnPipeline(path.stem, path, fault=told)]
    return found


def _name(node: ast.ClassDef) -> str | None:
    """The text that a class gives to ``name``."""
    for line in node.body:
        match line:
            case (
                ast.Assign(targets=[ast.Name(id="name")], value=ast.Constant(value=str(name)))
                | ast.AnnAssign(target=ast.Name(id="name"), value=ast.Constant(value=str(name)))
            ):
                return name
    return None


def _fault(path: Path, error: BaseException) -> str:
    """What went wrong in the file, and where."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    told = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"{path}: cannot be read ({error.strerror}); correct or remove it"
    where = f"{path}, line {line}" if line else str(path)
    kind = type(error).__name__
    return f"{where}: cannot be loaded ({kind}: {told}); correct or remove it"
