"""``cytomill pipelines``: the pipelines there are, and the beginning of a new one."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from ..errors import CytomillError


@click.group("pipelines")
def command() -> None:
    """List, show and begin pipelines."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_pipelines(as_json: bool) -> None:
    """List the pipelines."""
    from ..pipelines.registry import find, names

    told = []
    for name in names():
        try:
            told.append({"name": name, "summary": find(name).summary})
        except CytomillError as error:  # one that cannot be loaded must not hide the others
            told.append({"name": name, "error": str(error)})
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in told:
        click.echo(f"{one['name']}  {one.get('summary') or one['error']}")


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON: the schema that clients read.")
def show_pipeline(name: str, as_json: bool) -> None:
    """Show a pipeline and its options."""
    from ..pipelines.registry import find

    pipeline = find(name)
    schema = pipeline.Options.model_json_schema()
    if as_json:
        told = {
            "name": pipeline.name,
            "summary": pipeline.summary,
            "models": list(pipeline.models),
            "options": schema,
        }
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"{pipeline.name}: {pipeline.summary}")
    click.echo(f"models: {', '.join(pipeline.models)}")
    click.echo("options:")
    for option, field in pipeline.Options.model_fields.items():
        default = field.get_default(call_default_factory=True)
        status = "required" if field.is_required() else f"default {default}"
        click.echo(f"  {option} ({status}): {field.description or ''}")


@command.command("new")
@click.argument("name")
@click.option("--to", metavar="DIR", help="Folder for the file. Default: that of the settings.")
def new_pipeline(name: str, to: str | None) -> None:
    """Write a file with a new pipeline that works and is yours to change."""
    from ..pipelines.new import write
    from ..settings import settings

    path = write(name, Path(to) if to else settings.pipelines)
    click.echo(f"{path}: change it, and run it: cytomill run INPUT... -o OUT -p {name}")
    if path.parent.resolve() != settings.pipelines.expanduser().resolve():
        click.echo(f"It is found where CYTOMILL_PIPELINES={shlex.quote(str(path.parent))} is set.")
