"""``cytomill models``: the models there are, and how they come and go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..inference.load import Device


@click.group("models")
def command() -> None:
    """Add, list, show, test, remove and export models."""


_AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@command.command("add")
@click.argument("source")
@click.option("--name", help="What the model is called here. Default: the zoo's or its own name.")
@click.option("--overwrite", is_flag=True, help="Replace an installed model of that name.")
@_AS_JSON
def add_model(source: str, name: str | None, overwrite: bool, as_json: bool) -> None:
    """Install a model from a folder, zip, description, weights with a card, or URL."""
    from ..models.store import user_store

    name, description = user_store().add(source, name, overwrite=overwrite)
    if as_json:
        _json({"name": name, "folder": str(description.folder)})
    else:
        click.echo(f"{name}  {description.folder}")


@command.command("list")
@_AS_JSON
def list_models(as_json: bool) -> None:
    """List the models: those built in and those installed."""
    from ..errors import ModelError
    from ..models.library import built_in, installed
    from ..models.package import read_folder

    found: list[dict[str, Any]] = []
    for where, folders in (("built in", built_in()), ("installed", installed())):
        for name, folder in folders.items():
            told = {"name": name, "from": where, "version": "", "description": "", "fault": None}
            try:
                model = read_folder(folder)
                told |= {"version": model.version, "description": model.description}
            except ModelError as error:  # one damaged model must not hide the others
                told["fault"] = str(error)
            found.append(told)
    if as_json:
        _json(found)
        return
    for told in found:
        what = f"cannot be used: {told['fault']}" if told["fault"] else told["description"]
        click.echo("  ".join(filter(None, (told["name"], told["version"], what))))


@command.command("show")
@click.argument("model")
@_AS_JSON
def show_model(model: str, as_json: bool) -> None:
    """Show a model: inputs, outputs, processing, weights and which of them run here."""
    import yaml

    from ..models.package import read
    from ..models.told import tell

    told = tell(read(model))
    if as_json:
        _json(told)
    else:
        click.echo(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=100), nl=False)


@command.command("test")
@click.argument("model")
@click.option("--weights", "kind", help="The kind to test: onnx or torchscript. Default: each.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@_AS_JSON
def test_model(model: str, kind: str | None, device: Device, as_json: bool) -> None:
    """Run a model on its own test input and compare with its test output."""
    from ..errors import OptionError
    from ..inference.reproduce import reproduce
    from ..models.package import check_files, read
    from ..models.told import RUNS, runs

    description = read(model)
    states = {weights.kind: runs(description, weights) for weights in description.weights}
    if kind is not None and kind not in states:
        raise OptionError(f"--weights {kind}: {model} has {', '.join(states)}")
    check_files(description)
    kinds = [kind] if kind else [each for each, state in states.items() if state == RUNS]
    if not kinds:
        reproduce(description, None, device)  # says why none is run
    found = [(each, result) for each in kinds for result in reproduce(description, each, device)]
    passed = bool(found) and all(result.passed for _, result in found)
    if as_json:
        results = [{"weights": each, **_result(result)} for each, result in found]
        _json({"passed": passed, "results": results})
    else:
        for each, result in found:
            click.echo(_line(each, result))
    if not passed:
        raise SystemExit(1)


@command.command("remove")
@click.argument("name")
def remove_model(name: str) -> None:
    """Remove an installed model."""
    from ..models.store import user_store

    user_store().remove(name)
    click.echo(f"{name}  removed")


@command.command("export")
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--triton",
    "repository",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of Triton's models: made if need be.",
)
@_AS_JSON
def export_models(models: tuple[str, ...], repository: Path, as_json: bool) -> None:
    """Write models as a repository that Triton serves."""
    from ..models.library import find_folder
    from ..models.package import read
    from ..models.store import usual_name
    from ..models.triton import export

    written = []
    for model in models:
        description = read(model)
        name = model if find_folder(model) else usual_name(description)
        written.append(export(description, name, repository))
    if as_json:
        _json(
            [
                {"name": each.name, "folder": str(each.folder), "weights": each.weights.kind}
                for each in written
            ]
        )
        return
    for each in written:
        click.echo(f"{each.name}  {each.weights.kind}  {each.folder}")


def _json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=list))


def _result(result: Any) -> dict[str, Any]:
    return {
        "output": result.output,
        "passed": result.passed,
        "largest": result.largest,
        "mismatched_per_million": result.mismatched,
        "absolute_tolerance": result.tolerance.absolute,
        "relative_tolerance": result.tolerance.relative,
        "seconds": result.seconds,
    }


def _line(kind: str, result: Any) -> str:
    allowed = result.tolerance
    return (
        f"{kind}  {result.output}  {'passed' if result.passed else 'FAILED'}: off by at most "
        f"{result.largest:.3g}; {result.mismatched:g} of a million elements by more than "
        f"{allowed.absolute:g} + {allowed.relative:g} x expected, {allowed.mismatched:g} allowed "
        f"({result.seconds:.2f} s)"
    )
