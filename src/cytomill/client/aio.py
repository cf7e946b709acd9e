"""The client, for programs that await."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..image.correction import named_axes
from . import arrays, download, events, items, upload
from .download import Downloader, Results
from .errors import JobFailedError, NotFoundError
from .http import Http, Notify, part
from .plan import plan
from .records import Item, Job, Share, Stored, Upload
from .server import Server
from .upload import Uploader

#: Letters of the id of a job, and what stands for that of the newest.
_ID, LAST = 24, "last"

#: Jobs of a page.
_PAGE = 500

Paths = str | Path | Sequence[str | Path]
Labels = NDArray[np.unsignedinteger[Any]]
Progress = upload.Progress


class AsyncClient:
    """A kiosk at ``url``, asked with ``token``; by default those of the settings.

    Whatever a method asks is asked again, for ``retry_seconds`` (by default
    ``CYTOMILL_RETRY_SECONDS``), while the kiosk is away or busy; ``notify`` is told when that
    begins. ``parallel`` is how many files are sent or fetched at once. Every method raises
    `ServerAwayError`, `ServerBusyError`, `SignInError` and, where the kiosk refuses, `AnswerError`.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        parallel: int = 8,
        retry_seconds: float | None = None,
        notify: Notify | None = None,
    ) -> None:
        if parallel < 1:
            raise OptionError(f"parallel={parallel}: must be 1 or more")
        self.server = Server.of(url, token)
        self._parallel = parallel
        self._http = Http(
            self.server, parallel=parallel, retry_seconds=retry_seconds, notify=notify
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    @overload
    async def run(
        self,
        inputs: NDArray[Any],
        *,
        pipeline: str | None = ...,
        out: None = ...,
        axes: str | None = ...,
        pixel_size: float | None = ...,
        **options: Any,
    ) -> Labels: ...

    @overload
    async def run(
        self,
        inputs: Paths,
        *,
        pipeline: str | None = ...,
        out: str | Path,
        axes: str | None = ...,
        pixel_size: float | None = ...,
        pattern: str | None = ...,
        name: str = ...,
        format: Literal["tiff", "zarr"] = ...,
        ngff: str | None = ...,
        overlay: bool = ...,
        geojson: bool = ...,
        overwrite: bool = ...,
        **options: Any,
    ) -> Results: ...

    async def run(
        self,
        inputs: Paths | NDArray[Any],
        *,
        pipeline: str | None = None,
        out: str | Path | None = None,
        axes: str | None = None,
        pixel_size: float | None = None,
        pattern: str | None = None,
        name: str = "",
        format: Literal["tiff", "zarr"] = "tiff",  # noqa: A002 - the name of the command's option
        ngff: str | None = None,
        overlay: bool = False,
        geojson: bool = False,
        overwrite: bool = False,
        **options: Any,
    ) -> Labels | Results:
        """Run a pipeline over an array, or over files into the folder ``out``.

        An array gives its labels as `cytomill.segment` does: its shape less the channel axis,
        uint16, or uint32 above 65,535 objects. ``axes`` is a subset of TCZYX, ``pixel_size`` in µm;
        nothing of it stays at the kiosk. Of files these are given where they say otherwise; files
        give what `cytomill.run` writes, and failed inputs are in the results. Raises `OptionError`,
        `InputError` and `OutputError` where nothing can be begun, and `JobFailedError` where the
        job gives no results.
        """
        if hasattr(inputs, "__array__"):
            if out is not None:
                raise OptionError("out: an array's labels are returned, and not written")
            if pattern or name or ngff or overlay or geojson or format != "tiff":
                raise OptionError("an array gives labels only: name files for other results")
            return await self._labels(np.asarray(inputs), pipeline, axes, pixel_size, options)
        if out is None or not str(out):
            raise OptionError("out: name a folder for the results")
        if axes is not None:
            named_axes(axes)  # before anything is sent
        if pixel_size is not None:
            options["pixel_size"] = pixel_size
        about = await self.pipeline(_chosen(pipeline, options))
        movies = bool(about.get("movies"))
        stored = await self.upload(inputs, pattern=pattern, exclude=out, movies=movies)
        job = await self.submit(
            stored,
            pipeline=pipeline,
            axes=axes,
            name=name,
            format=format,
            ngff=ngff,
            overlay=overlay,
            geojson=geojson,
            options=options,
        )
        _well(await self.wait(job.id))
        return await self.download(job.id, out, overwrite=overwrite)

    async def _labels(
        self,
        array: NDArray[Any],
        pipeline: str | None,
        axes: str | None,
        pixel_size: float | None,
        options: Mapping[str, Any],
    ) -> Labels:
        pipeline = _chosen(pipeline, options)
        about = await self.pipeline(pipeline)
        with tempfile.TemporaryDirectory(prefix="cytomill-") as folder:
            file, out = Path(folder, arrays.NAME), Path(folder, "out")
            declared = await asyncio.to_thread(arrays.write, file, array, axes, pixel_size)
            wanted = arrays.unmeasured(options, about.get("options"))
            # Of its own, as it is deleted at the end.
            (stored,) = await self.upload(file, name=secrets.token_hex(8))
            made: Job | None = None
            try:
                made = await self.submit(
                    [stored], pipeline=pipeline, name=arrays.NAME, options=wanted
                )
                ended = _well(await self.wait(made.id))
                results = await self.download(ended.id, out)
                if results.failed:
                    raise JobFailedError(results.failed[0].error)
                found = sorted(out.glob("*_labels.tif"))
                if not found:
                    raise OptionError(
                        f"{pipeline} gives no labels with these options; name files instead"
                    )
                return await asyncio.to_thread(arrays.read_labels, found[0], declared)
            finally:
                # Whatever went wrong is what is told, and both expire where this fails too.
                with contextlib.suppress(Exception):
                    if made is not None:
                        await self.delete(made.id)
                    await self.delete_upload(stored.upload)

    async def upload(
        self,
        paths: Paths,
        *,
        pattern: str | None = None,
        exclude: str | Path | None = None,
        name: str = "",
        movies: bool = False,
        progress: Progress | None = None,
    ) -> list[Stored]:
        """Send files, folders, globs and zips; returns what `submit` takes.

        A folder keeps its relative paths; the folder ``exclude``, where results are written, is
        left out. What an earlier call sent of the same files, unchanged, and under the same
        ``name``, is not sent again. ``movies`` says that files are frames of movies: those of one
        folder go together. ``progress`` is called with the bytes sent and those there are.
        Raises `InputError` as `cytomill.run` does.
        """
        groups = await asyncio.to_thread(plan, paths, pattern, exclude, movies=movies)
        return await Uploader(self._http, self._parallel).send(groups, name, progress)

    async def submit(
        self,
        inputs: Stored | Sequence[Stored],
        *,
        pipeline: str | None = None,
        axes: str | None = None,
        name: str = "",
        priority: Literal["high", "normal", "low"] = "normal",
        format: Literal["tiff", "zarr"] = "tiff",  # noqa: A002 - the name of the command's option
        ngff: str | None = None,
        overlay: bool = False,
        geojson: bool = False,
        options: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Job:
        """Submit a job over what was sent, or over what a source of the kiosk has.

        ``options`` are those of the pipeline, and so is every argument without a name here.
        ``axes`` are those of all images where their files say otherwise; `Stored.corrections` says
        it of some. ``priority`` is among one's own jobs. However often the request has to be sent,
        one job is made.
        """
        outputs: dict[str, Any] = {"format": format, "overlay": overlay, "geojson": geojson}
        given = [inputs] if isinstance(inputs, Stored) else inputs
        wanted = {**(options or {}), **more}
        told = {
            "pipeline": _chosen(pipeline, wanted),
            "name": name,
            "options": wanted,
            "outputs": outputs | ({} if ngff is None else {"ngff": ngff}),
            "inputs": [(one if axes is None else one.with_axes(axes)).told() for one in given],
            "priority": priority,
        }
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        return Job.parse(await self._http.call("POST", "/jobs", told=told, headers=headers))

    async def job(self, job: str) -> Job:
        """The job as it is now. Raises `NotFoundError`."""
        return Job.parse(await self._http.get(f"/jobs/{part(job)}"))

    async def find(self, beginning: str) -> Job:
        """The job whose id begins so; ``"last"`` is the one submitted last.

        Raises `NotFoundError` where there is none, `OptionError` where there are several.
        """
        if beginning == LAST:
            found = await self.jobs(limit=1)
            if not found:
                raise NotFoundError("you have no job yet; submit one")
            return found[0]
        if len(beginning) >= _ID or not beginning:
            return await self.job(beginning or "-")
        found = [job for job in await self.jobs(limit=None) if job.id.startswith(beginning)]
        if not found:
            raise NotFoundError(f"{beginning}: no job of yours begins so; see 'cytomill jobs list'")
        if len(found) > 1:
            names = ", ".join(job.id for job in found[:5]) + (" …" if len(found) > 5 else "")
            raise OptionError(f"{beginning}: several jobs begin so: {names}; give more of it")
        return found[0]

    async def jobs(
        self,
        *,
        state: str | None = None,
        pipeline: str | None = None,
        name: str | None = None,
        limit: int | None = 100,
    ) -> list[Job]:
        """One's own jobs, newest first: ``limit`` of them, None for all.

        ``name`` may be part of a job's name.
        """
        found: list[Job] = []
        before = None
        while limit is None or len(found) < limit:
            page = await self._http.get(
                "/jobs",
                state=state,
                pipeline=pipeline,
                name=name,
                before=before,
                limit=_PAGE if limit is None else min(_PAGE, limit - len(found)),
            )
            found += map(Job.parse, page["jobs"])
            before = page.get("next")
            if before is None:
                break
        return found

    async def watch(self, job: str) -> AsyncGenerator[Job, None]:
        """The job as it is now, then each time that it changes, until it has ended.

        Lost connections are renewed; where events do not come through, it is asked for.
        """
        async for now in events.watch(self._http, job):
            yield now

    async def wait(self, job: str, *, seconds: float | None = None) -> Job:
        """The job when it has ended. Raises `TimeoutError` where it has not after ``seconds``."""
        async with asyncio.timeout(seconds):
            async for now in events.watch(self._http, job):
                if now.ended:
                    return now
        return await self.job(job)

    async def cancel(self, job: str) -> Job:
        """Stop the job for good; what is done stays."""
        return await self._do(job, "cancel")

    async def pause(self, job: str) -> Job:
        """Begin nothing more of the job."""
        return await self._do(job, "pause")

    async def resume(self, job: str) -> Job:
        """Go on with a paused job."""
        return await self._do(job, "resume")

    async def retry(self, job: str) -> Job:
        """Try the failed items again."""
        return await self._do(job, "retry")

    async def _do(self, job: str, what: str) -> Job:
        return Job.parse(await self._http.call("POST", f"/jobs/{part(job)}/{what}"))

    async def pin(self, job: str, pinned: bool = True) -> Job:
        """Keep the job for ever, or let it expire."""
        told = {"pinned": pinned}
        return Job.parse(await self._http.call("PATCH", f"/jobs/{part(job)}", told=told))

    async def share(self, job: str, *, days: float = 7) -> Share:
        """Make a link with which whoever has it sees the job, and fetches its results."""
        told = {"days": days}
        made = await self._http.call("POST", f"/jobs/{part(job)}/shares", told=told)
        return replace(Share.parse(made), url=f"{self.server.url}/shared#{made['secret']}")

    async def delete(self, job: str) -> None:
        """Delete the job with its results; it is stopped first."""
        await self._http.call("DELETE", f"/jobs/{part(job)}")

    async def items(self, job: str, state: str | None = None) -> AsyncGenerator[Item, None]:
        """The items of the job, in order: all, or those waiting, running, done or failed."""
        async for item in items.items(self._http, job, state):
            yield item

    async def download(
        self,
        job: str,
        out: str | Path,
        *,
        formats: Sequence[str] | None = None,
        overwrite: bool = False,
        progress: download.Progress | None = None,
    ) -> Results:
        """Fetch the results into the folder ``out``, laid out as `cytomill.run` does.

        With ``formats``, such as ``["zarr", "csv"]``, in these, which the kiosk makes where it has
        not stored them, see `formats`; all of it comes as one. Otherwise what an earlier call
        fetched of the same job is not fetched again, and results of another job are replaced. A
        folder that holds what no download made is refused but with ``overwrite``. ``progress`` is
        called with the items fetched and those that are done. Raises `OutputError`.
        """
        about = await self.job(job)
        fetching = Downloader(self._http, about, Path(out).expanduser(), overwrite=overwrite)
        if formats is not None:
            return await fetching.fetch_formats(formats)
        return await fetching.fetch(self._parallel, progress)

    async def formats(self, job: str) -> list[dict[str, Any]]:
        """The formats of a job's results: ``name``, ``title``, ``summary``, and ``stored``."""
        found: list[dict[str, Any]] = await self._http.get(f"/jobs/{part(job)}/formats")
        return found

    async def uploads(self) -> list[Upload]:
        """One's own uploads."""
        return [one async for one in upload.uploads(self._http)]

    async def delete_upload(self, name: str) -> None:
        """Delete an upload with its files."""
        await self._http.call("DELETE", f"/uploads/{part(name)}")

    async def pipelines(self) -> list[dict[str, Any]]:
        """The pipelines of the kiosk: ``name``, ``summary``, and ``error`` where it is broken."""
        found: list[dict[str, Any]] = await self._http.get("/pipelines")
        return found

    async def pipeline(self, name: str) -> dict[str, Any]:
        """A pipeline; ``options`` is the JSON schema of its options."""
        found: dict[str, Any] = await self._http.get(f"/pipelines/{part(name)}")
        return found

    async def models(self) -> list[dict[str, Any]]:
        """The models of the kiosk: ``name``, ``version``, ``description``, ``error``."""
        found: list[dict[str, Any]] = await self._http.get("/models")
        return found

    async def me(self) -> dict[str, Any]:
        """Who one is for the kiosk."""
        found: dict[str, Any] = await self._http.get("/me")
        return found


def _chosen(pipeline: str | None, options: Mapping[str, Any]) -> str:
    # It brings what runs pipelines, half a second that most who ask a kiosk need not wait.
    from ..pipelines.registry import chosen

    return chosen(pipeline, options)


def _well(job: Job) -> Job:
    """The job, unless it gives no results. Raises `JobFailedError`."""
    if job.state != "done":
        reason = f": {job.reason}" if job.reason else ""
        raise JobFailedError(f"job {job.id} {_ENDS[job.state]}{reason}")
    return job


_ENDS = {"failed": "failed", "cancelled": "was cancelled", "deleting": "was deleted"}
