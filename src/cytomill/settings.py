"""Every setting: its unit, its default, and why that default.

A setting is read once, at import, from the environment variable ``CYTOMILL_`` + its name in
capitals. Options of a command override nothing here; they are about one run, settings are about a
machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import OptionError


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of this machine."""

    tile: int = 1280
    """Edge of a tile, in pixels of the model's grid, for planes too large to process whole.

    1280 keeps what two threads need for a slide below 2 GB, network and tables included; larger
    tiles spend less on their surroundings."""

    whole: int = 2304 * 2304
    """Planes of at most this many pixels of the model's grid are processed whole.

    Above the frame of any camera in common use (2304 x 2304), so that only slides and mosaics
    are tiled."""

    zip_bytes: int = 200 * 2**30
    """Bytes that one zip may unpack to: far above real uploads, far below a bomb's."""

    zip_ratio: int = 200
    """Largest believable ratio of unpacked to packed bytes of a zip member over 64 MiB.

    Deflate can reach 1000; a blank 16-bit microscope image reaches about 150."""

    max_pixels: int = 2**40
    """Pixels of one plane above which a file is taken to be damaged or hostile."""

    call_seconds: int = 300
    """Seconds after which a call to a model server is given up.

    A tile takes a second on a CPU: this is the queue of a busy server."""

    retry_seconds: int = 120
    """Seconds for which a model server that is away or busy is asked again.

    Enough to restart one, with its models."""

    message_bytes: int = 2**30
    """Bytes of one message to or from a model server.

    Far above any tile and below the 2 GiB that a message of the protocol can have."""

    models: Path = Path("~/.local/share/cytomill/models")
    """The folder of installed models.

    Where the user's own data belong on Linux, so that no rights are needed."""

    model_bytes: int = 8 * 2**30
    """Bytes that a model package may have, downloaded or unpacked.

    The largest of the BioImage Model Zoo have 2 GB."""

    model_hosts: str = "hypha.aicell.io,uk1s3.embassy.ebi.ac.uk,zenodo.org"
    """Hosts that models are downloaded from, with commas between: those of the zoo.

    The weights of a stranger are a stranger's program."""

    server: str = "http://127.0.0.1:8080"
    """The kiosk that ``cytomill submit``, ``cytomill jobs`` and `cytomill.Client` speak to.

    Where ``cytomill serve`` listens on the same machine."""

    token: str = field(default="", repr=False)
    """The token to show there; else the one in ``~/.config/cytomill/token``, else, of a kiosk on
    this machine, that in its folder."""

    kiosk: Path = Path("~/.local/share/cytomill/kiosk")
    """The folder of the kiosk on this machine.

    Where the user's own data belong on Linux, so that no rights are needed."""

    redis: str = "redis://127.0.0.1:6379"
    """The Redis of the queue: ``redis://[USER:PASSWORD@]HOST:PORT[/DB]``, ``rediss://`` for TLS,
    ``unix://PATH``, or ``redis+sentinel://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]/NAME[/DB]``.

    Where a Redis on the same machine listens by default."""

    bucket: str = "~/.local/share/cytomill/bucket"
    """Where a kiosk's uploads and results lie: a folder, or ``file://``, ``s3://``, ``gs://``,
    ``az://``.

    Keys of clouds are found where their own programs look for them (``AWS_*`` and so on)."""

    model_server: str = ""
    """The model server that consumers ask, ``grpc://HOST:PORT``; models run in them without.

    ``grpc+dns://HOST:PORT`` are those at all addresses of a name, ``queue`` those that are
    announced in the queue."""

    sources: str = ""
    """Places that jobs may take images from without an upload: ``NAME=URL``, with commas between.

    None by default: whoever may submit a job could read them."""

    pipelines: Path = Path("~/.local/share/cytomill/pipelines")
    """The folder of one's own pipelines, a file for each."""

    upload_days: int = 7
    """Days after which an upload is deleted: enough to come back to it after a week-end."""

    result_days: int = 30
    """Days after its end that a job is deleted with its results, unless it is pinned."""

    user_jobs: int = 1000
    """Jobs that a user may have at work at once."""

    user_bytes: int = 2**40
    """Bytes of uploads that a user may have at once: 1 TiB, a third of a million camera frames."""

    user_requests: int = 200
    """Requests that a user may make in a second, on average over ten.

    Far above what a page or a program that uploads in parallel makes."""

    job_items: int = 50_000_000
    """Images that a job may have: each takes a byte of the queue's memory."""

    form_bytes: int = 2**30
    """Bytes that a form, or a file sent whole, may have; larger files are sent in pieces."""

    piece_bytes: int = 64 * 2**20
    """Bytes of a piece of a large file: small enough to be sent again, few enough to be counted."""

    task_seconds: int = 3600
    """Seconds after which a task is taken to hang, and its consumer ends itself."""

    cache_bytes: int = 50 * 2**30
    """Bytes of inputs that a consumer keeps on its own disk, of buckets that are not folders."""

    audit: str = ""
    """The file that says who did what, a JSON line for each; standard error where none is named."""

    admin_token: str = field(default="", repr=False)
    """A token by which its bearer administers the kiosk for as long as the API is given it: for
    those who install it by a program. None by default."""

    metrics_token: str = field(default="", repr=False)
    """A token by which the API's metrics may be read, likewise."""

    proxies: str = ""
    """Addresses of reverse proxies, with commas between, that are believed from where a request
    came (``X-Forwarded-For``); none by default, for anyone could say so."""

    oidc_issuer: str = ""
    """The address of an OpenID Connect provider whose users may sign in; none by default."""

    oidc_audience: str = "cytomill"
    """Whom its tokens must be meant for."""

    oidc_admins: str = ""
    """Its users who are administrators, by subject or e-mail address, with commas between."""

    oidc_client_id: str = ""
    """What the provider knows the page as: with it people sign in there with their account.

    None by default: each provider gives another."""

    price: str = ""
    """What an hour of one thread of a consumer costs, such as ``0.12 EUR``; nothing by default.

    It is told beside each job, and charged to nobody."""

    @classmethod
    def read(cls, environment: dict[str, str] | None = None) -> Settings:
        """Defaults, overridden by ``CYTOMILL_*`` in the environment.

        Raises `OptionError` for an unknown name, for a number that is not whole and positive, and
        for an empty path or text.
        """
        given = os.environ if environment is None else environment
        known = {f"CYTOMILL_{one.name.upper()}": one for one in fields(cls)}
        values: dict[str, Any] = {}
        for variable, text in given.items():
            if not variable.startswith("CYTOMILL_"):
                continue
            if variable not in known:
                raise OptionError(
                    f"{variable}: no such setting; the settings are {', '.join(sorted(known))}"
                )
            one = known[variable]
            values[one.name] = _value(variable, text, one.default)
        return cls(**values)


def _value(variable: str, text: str, default: object) -> int | str | Path:
    """What ``text`` means for a setting of the type of ``default``."""
    if isinstance(default, int):
        if not text.isascii() or not text.isdigit() or int(text) == 0:
            raise OptionError(f"{variable}={text}: must be a whole number above 0")
        return int(text)
    if not text.strip():
        raise OptionError(f"{variable}: is empty; unset it, or give a value")
    return Path(text) if isinstance(default, Path) else text


settings = Settings.read()
