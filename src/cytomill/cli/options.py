"""A pipeline's options as flags of a command."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from copy import copy
from typing import Any

import click

from ..errors import OptionError
from ..pipelines.registry import chosen, find


class PipelineCommand(click.Command):
    """A command that has, besides its own flags, those of the pipeline that is asked for.

    It has a parameter ``pipeline``, or is about ``fixed``, a single one.
    """

    fixed: str | None = None

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **more: Any) -> Any:
        """The context, in which the flags of the pipeline are parameters too."""
        name = self.fixed or self._pipeline(args)
        own = {param.name for param in self.params}
        added = self.flags(name)
        if self.fixed is None and all(flag.name != "model" for flag in added):
            added.append(_model())
        for flag in added:
            if flag.name in own:
                raise OptionError(
                    f"pipeline {name}: its option {flag.name} has the name of one of {self.name}"
                )
        whole = copy(self)
        whole.params = [*self.params, *added]
        return super(PipelineCommand, whole).make_context(info_name, args, *rest, **more)

    def flags(self, pipeline: str) -> list[click.Option]:
        """The flags of a pipeline."""
        return flags(pipeline)

    def _pipeline(self, args: Sequence[str]) -> str:
        """The pipeline that is asked for, on whose options the meaning of the rest depends."""
        lenient = {"ignore_unknown_options": True, "allow_extra_args": True}
        params = [*self.params, _model()]
        parsed = click.Command(self.name, params=params, context_settings=lenient)
        with parsed.make_context(self.name, [*args], resilient_parsing=True) as context:
            return chosen(context.params["pipeline"], context.params)


def _model() -> click.Option:
    """The flag of the pipeline that runs any model, for the help and the choice of it."""
    return click.Option(
        ["--model"],
        metavar="PACKAGE",
        help="Run this model of the BioImage Model Zoo instead; with -p model, --help says how.",
    )


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
