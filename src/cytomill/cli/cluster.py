"""``cytomill cluster``: a Kubernetes cluster for a kiosk, from nothing and back to nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import CytomillError, OptionError

if TYPE_CHECKING:
    from ..cloud.gke.cluster import Cluster
    from ..cloud.google import Google


@click.group("cluster")
def command() -> None:
    """Plan, create and destroy a cluster on a cloud; docs/gke.md says what it is made of.

    Clusters of other clouds are made with their own tools: the chart has profiles for them.
    """


def _together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return add


_WHICH = _together(
    click.option(
        "--provider",
        type=click.Choice(["gke"]),
        default="gke",
        show_default=True,
        help="Whose cloud.",
    ),
    click.option("--project", required=True, metavar="ID", help="The project that pays."),
    click.option("--zone", required=True, help="Where it is, such as europe-west4-b."),
    click.option("--name", required=True, help="What it is called: 1 to 22 letters and digits."),
)

_WHAT = _together(
    click.option(
        "--gpu",
        type=click.Choice(["t4", "l4", "v100", "a100"]),
        help="GPU of the model servers' nodes, one each. Default: no such nodes.",
    ),
    click.option(
        "--max-gpus", type=click.IntRange(1, 1000), help="With --gpu, at most.  [default: 4]"
    ),
    click.option(
        "--machine", default="e2-standard-8", show_default=True, help="Type of consumers' nodes."
    ),
    click.option(
        "--max-nodes", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most."
    ),
    click.option(
        "--system-machine",
        default="e2-standard-4",
        show_default=True,
        help="Type of the node that stays, for API, queue and autoscaler.",
    ),
    click.option(
        "--spot/--on-demand",
        default=True,
        show_default=True,
        help="Nodes that Google may take back, for a third of the price; or not.",
    ),
    click.option("--bucket", default="", metavar="NAME", help="Make a bucket of that name too."),
)


@command.command("plan")
@_WHICH
@_WHAT
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Prices to reckon with, as JSON. Default: those of us-central1 that the program knows.",
)
@click.option("--offline", is_flag=True, help="Ask nothing of Google: quotas are not checked.")
def plan_cluster(provider: str, prices: Path | None, offline: bool, **options: Any) -> None:
    """Show each call that `create` makes, what an hour costs, and whether quotas are enough.

    Nothing is made or changed. The exit code is 1 where the cluster could not be made.
    """
    from ..cloud.gke.cost import Prices
    from ..cloud.gke.create import plan

    cluster, reckoned = _cluster(options), Prices.read(prices)
    if offline:
        plan(cluster, reckoned, None, click.echo)
        return
    with google(cluster.project, _warn) as asked:
        able = plan(cluster, reckoned, asked, click.echo)
    if not able:
        raise CytomillError("the cluster cannot be made like this; see above")


@command.command("create")
@_WHICH
@_WHAT
@click.option(
    "--registry", default="", help="Where the images are, for the command that is shown at the end."
)
@click.option("--image", default="", metavar="TAG", help="Their tag, for that command.")
def create_cluster(provider: str, registry: str, image: str, **options: Any) -> None:
    """Make a cluster, or what is missing of it. See `plan` first: from now on it costs money.

    Whatever stops it, the same command goes on where it stopped.
    """
    from ..cloud.gke.create import create, next_steps

    cluster = _cluster(options)
    with google(cluster.project, _warn) as asked:
        create(cluster, asked, click.echo)
    click.echo("install the kiosk, once its two Secrets are there (docs/kubernetes.md):")
    for line in next_steps(cluster, registry, image):
        click.echo(f"  {line}")


@command.command("destroy")
@_WHICH
@click.option("--bucket", default="", metavar="NAME", help="Delete this bucket of it as well.")
@click.option(
    "--confirm", metavar="NAME", help="The cluster's name again; asked for where it is not given."
)
def destroy_cluster(provider: str, confirm: str | None, **options: Any) -> None:
    """Delete a cluster, its network, load balancers and disks; then look what still costs money.

    Whatever the queue and other claims hold is lost. The bucket is kept unless it is named. The
    exit code is 1 where anything of the cluster still costs money.
    """
    from ..cloud.gke.destroy import buckets, destroy, leaks

    cluster = _cluster(options)
    with google(cluster.project, _warn) as asked:
        if confirm is None:
            told = f"cluster {cluster.name} of {cluster.project} with all its disks"
            click.echo(f"This deletes {told}.")
            confirm = click.prompt("Its name again")
        if confirm != cluster.name:
            raise OptionError(f"{confirm!r} is not {cluster.name!r}: nothing was deleted")
        left = leaks(cluster, asked, destroy(cluster, asked, click.echo))
        kept = buckets(cluster, asked)
    for line in left:
        click.echo(f"still costs money: {line}")
    for name in kept:
        click.echo(f"kept: bucket {name}, which costs what it holds; --bucket {name} deletes it")
    if left:
        raise CytomillError(
            f"{len(left)} things of cluster {cluster.name} still cost money; delete them in "
            "Google's console, or run the same command again"
        )
    click.echo("nothing of the cluster costs money any more")


def google(project: str, warn: Callable[[str], object]) -> Google:
    """Google, as who this machine's credentials say, on account of a project."""
    from ..cloud.credentials import authorise
    from ..cloud.google import Google

    return Google(authorise(), project, warn)


def _cluster(options: dict[str, Any]) -> Cluster:
    from ..cloud.gke.cluster import GPUS, Cluster

    gpu, most = options.pop("gpu", None), options.pop("max_gpus", None)
    if gpu is None and most is not None:
        raise OptionError("--max-gpus: needs --gpu, which says of which kind")
    if most is not None:
        options["max_gpus"] = most
    return Cluster(gpu=GPUS[gpu] if gpu else None, **options)


def _warn(line: str) -> None:
    click.echo(f"cytomill: {line}", err=True)
