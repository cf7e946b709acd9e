"""Helm's own engine, in a process of its own.

It brings a Go runtime with signal handlers that cover the whole process: beside all the libraries
that tests load, it has ended a process of them.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

Values = Mapping[str, Any]


class RefusedError(Exception):
    """Helm's word on why a chart cannot be installed."""


def rendered(folder: Path, values: Values, release: str, namespace: str) -> dict[str, str]:
    """What each template of a chart makes of ``values``. Raises `RefusedError`."""
    return _engine().submit(_render, folder, values, release, namespace).result()


def linted(folder: Path, values: Values) -> dict[str, Any]:
    """The report of Helm's linter, warnings among its errors."""
    return _engine().submit(_lint, folder, values).result()


@cache
def _engine() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


@cache
def _chart(folder: Path) -> Any:
    import helm_python

    return helm_python.Chart.load(folder)


def _render(folder: Path, values: Values, release: str, namespace: str) -> dict[str, str]:
    import helm_python

    try:
        chart = _chart(folder)
        chart.validate_schema(values)
        made: dict[str, str] = chart.render(values, name=release, namespace=namespace)
    except helm_python.HelmError as error:
        raise RefusedError(str(error)) from None
    return made


def _lint(folder: Path, values: Values) -> dict[str, Any]:
    import helm_python

    return helm_python.lint(folder, dict(values), strict=True)
