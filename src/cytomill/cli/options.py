"""A pipeline's options as flags of a command."""

from __future__ import annotations

import types
import typing
from typing import Any

import click

from ..pipelines.registry import find


def flags(pipeline: str) -> list[click.Option]:
    """One flag per option of ``pipeline``: ``--pixel-size``, ``--measure/--no-measure``.

    A flag that is not given is None, and the pipeline's own default holds. Raises `OptionError`
    where there is no such pipeline.
    """
    made = []
    for name, field in find(pipeline).Options.model_fields.items():
        kind = _type(field.annotation)
        flag = name.replace("_", "-")
        told = field.description or ""
        default = field.get_default(call_default_factory=True)
        if not field.is_required() and default is not None and kind is not bool:
            told += f" Default: {default}."
        made.append(
            click.Option(
                [f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}"],
                type=kind,
                default=None,
                help=told,
            )
        )
    return made


def _type(annotation: Any) -> Any:
    """The type inside ``X | None``; a type click does not know is read as text."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        annotation = kinds[0]
    if typing.get_origin(annotation) is typing.Literal:
        return click.Choice(typing.get_args(annotation))
    return annotation if annotation in (bool, int, float, str) else str
