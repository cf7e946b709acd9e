"""``cytomill models``: the models there are."""

from __future__ import annotations

import json

import click


@click.group("models")
def command() -> None:
    """List and show the models."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_models(as_json: bool) -> None:
    """List the models."""
    from ..models.registry import find, names

    found = [find(name) for name in names()]
    if as_json:
        told = [{"name": m.name, "version": m.version, "description": m.description} for m in found]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for model in found:
        click.echo(f"{model.name}  {model.version}  {model.description}")


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show_model(name: str, as_json: bool) -> None:
    """Show the card of a model: licence, pixel size, outputs, scores."""
    import yaml

    from ..models.registry import find

    model = find(name)
    card = {
        "name": model.name,
        "version": model.version,
        "description": model.description,
        "license": model.license,
        "authors": list(model.authors),
        "folder": str(model.folder),
        "weights": {
            weights.path.name: weights.sha256 for weights in (model.weights, model.int8) if weights
        },
        "maps": list(model.maps),
        "pixel_size_um": model.pixel_size,
        "stride_pixels": model.stride,
        "halo_pixels": model.halo,
        **{key: model.settings[key] for key in ("watershed", "scores") if key in model.settings},
    }
    if as_json:
        click.echo(json.dumps(card, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(card, sort_keys=False, allow_unicode=True), nl=False)
