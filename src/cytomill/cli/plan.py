"""``cytomill plan``: how long a job will take, and what it will cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ..errors import OptionError
from .values import ABOVE, Duration, Number

if TYPE_CHECKING:
    from ..scaling.simulation.planning import Asked, Planned

_PRICE = Number(min=0, max=1e9)


@click.command("plan")
@click.option(
    "--images",
    type=click.IntRange(1, 100_000_000),
    required=True,
    metavar="N",
    help="Images of the job.",
)
@click.option(
    "--seconds",
    type=ABOVE,
    default=0.2,
    show_default=True,
    metavar="S",
    help="Seconds that an image takes a thread of a consumer; with --inference, besides that.",
)
@click.option(
    "--inference",
    type=ABOVE,
    metavar="S",
    help="Seconds that an image takes a model server. Default: consumers run the models.",
)
@click.option(
    "--policy",
    "policies",
    type=click.Choice(["paper", "throughput", "deadline", "budget"]),
    multiple=True,
    help="Only this one; may be given several times. Default: all that what you give allows.",
)
@click.option(
    "--max-consumers",
    type=click.IntRange(1, 10_000),
    default=10,
    show_default=True,
    metavar="N",
    help="Consumers that there may be.",
)
@click.option(
    "--max-model-servers",
    type=click.IntRange(1, 1_000),
    default=1,
    show_default=True,
    metavar="N",
    help="Model servers that there may be, with --inference.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    metavar="N",
    help="Images that a consumer does at a time.",
)
@click.option(
    "--startup",
    type=Duration(),
    default="120s",
    show_default=True,
    help="From asking for a worker until it is ready.",
)
@click.option(
    "--price", type=_PRICE, default=0.0, metavar="P", help="What an hour of a consumer costs."
)
@click.option(
    "--model-server-price",
    type=_PRICE,
    default=0.0,
    metavar="P",
    help="What an hour of a model server costs.",
)
@click.option("--within", type=Duration(), help="When it is to be done, for the policy deadline.")
@click.option("--budget", type=ABOVE, metavar="P", help="What may be spent, for the policy budget.")
@click.option(
    "--spot-loss",
    type=Number(0, 100, max_open=True),
    default=0.0,
    metavar="PERCENT",
    help="Workers that are lost in an hour, of a hundred, as spot machines are.",
)
@click.option("--seed", type=int, default=0, help="Of the chance by which they are lost.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(
    images: int,
    seconds: float,
    inference: float | None,
    policies: tuple[str, ...],
    max_consumers: int,
    max_model_servers: int,
    threads: int,
    startup: float,
    price: float,
    model_server_price: float,
    within: float | None,
    budget: float | None,
    spot_loss: float,
    seed: int,
    as_json: bool,
) -> None:
    """Say how long a job will take and what it will cost, by policy.

    The job is simulated from no worker to no worker, by the policies that decide for the
    autoscaler.
    """
    from ..scaling.simulation.planning import Asked, plan

    asked = Asked(
        images,
        seconds,
        inference or 0.0,
        max_consumers,
        max_model_servers,
        threads,
        startup,
        price,
        model_server_price,
        spot_loss / 100,
        within,
        budget,
        seed,
    )
    _check(asked, policies)
    planned = plan(asked, policies or _possible(asked))
    if as_json:
        click.echo(json.dumps([_told(one, asked) for one in planned], indent=1))
    else:
        click.echo(_table(planned, asked))


def _possible(asked: Asked) -> list[str]:
    """The policies that can be asked: `paper` decides by the use of model servers."""
    given = {
        "paper": asked.inference,
        "throughput": True,
        "deadline": asked.within,
        "budget": asked.budget,
    }
    return [name for name, there in given.items() if there]


def _check(asked: Asked, policies: tuple[str, ...]) -> None:
    """Raises `OptionError` for what does not go together."""
    priced = asked.price or (asked.model_server_price and asked.inference)
    if asked.budget and not priced:
        raise OptionError("--budget: say what workers cost: --price, --model-server-price")
    if asked.model_server_price and not asked.inference:
        raise OptionError("--model-server-price: there are model servers only with --inference")
    if "paper" in policies and not asked.inference:
        raise OptionError("--policy paper: it goes by model servers; give --inference")
    for name, value in (("deadline", asked.within), ("budget", asked.budget)):
        flag = "--within" if name == "deadline" else "--budget"
        if name in policies and value is None:
            raise OptionError(f"--policy {name}: give {flag}")
        if value is not None and policies and name not in policies:
            raise OptionError(f"{flag}: it is for --policy {name}, which you did not ask for")


def _priced(asked: Asked) -> bool:
    return bool(asked.price or asked.model_server_price)


def _told(one: Planned, asked: Asked) -> dict[str, Any]:
    return {
        "policy": one.policy,
        "images": asked.images,
        "done": one.done,
        "seconds": one.seconds,
        "first": one.first,
        "hours": one.hours,
        "cost": one.cost if _priced(asked) else None,
        "workers": one.most,
        "note": _note(one, asked),
    }


def _note(one: Planned, asked: Asked) -> str:
    """What a reader must know of it."""
    if one.done < asked.images:
        return f"ends after {one.done:,} of {asked.images:,} images"
    if one.policy == "deadline" and asked.within and one.seconds and one.seconds > asked.within:
        return f"later than {_duration(asked.within)}: allow more workers, or more time"
    return ""


def _table(planned: list[Planned], asked: Asked) -> str:
    """A row for each policy, and notes below."""
    priced = _priced(asked)
    head = ["policy", "done after", "first result", "worker hours", *["cost"] * priced, "workers"]
    rows = [head]
    for one in planned:
        cost = [f"{one.cost:,.2f}"] * priced
        workers = " + ".join(
            f"{count} {pool[:-1] if count == 1 else pool}" for pool, count in one.most.items()
        )
        rows.append(
            [
                one.policy,
                _duration(one.seconds),
                _duration(one.first),
                f"{one.hours:,.1f}",
                *cost,
                workers,
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    notes = [f"{one.policy}: {note}" for one in planned if (note := _note(one, asked))]
    return "\n".join([*(line.rstrip() for line in lines), *notes])


def _duration(seconds: float | None) -> str:
    """In the two largest units that it has."""
    if seconds is None:
        return "never"
    whole = round(seconds)
    for large, small, size, part in (
        ("d", "h", 86_400, 3600),
        ("h", "min", 3600, 60),
        ("min", "s", 60, 1),
    ):
        if whole >= size:
            return f"{whole // size} {large} {whole % size // part} {small}"
    return f"{whole} s"
