"""The client, for scripts and notebooks: `AsyncClient` without ``await``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, overload

from numpy.typing import NDArray

from . import download
from .aio import AsyncClient, Labels, Paths, Progress
from .download import Results
from .http import Notify
from .loop import Loop
from .records import Item, Job, Share, Stored, Upload


class Client:
    """A kiosk at ``url``, asked with ``token``; by default those of the settings.

    >>> client = cytomill.Client("http://kiosk.example.org:8080")
    >>> labels = client.run(array, pixel_size=0.65)
    >>> results = client.run("images", out="results", overlay=True)

    Arguments, methods and errors are those of `AsyncClient`, which describes them. Progress is told
    in a thread of the client's own.
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
        self._client = AsyncClient(
            url, token, parallel=parallel, retry_seconds=retry_seconds, notify=notify
        )
        self._loop = Loop(self._client.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._loop.close()

    @overload
    def run(
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
    def run(
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

    def run(self, inputs: Any, **arguments: Any) -> Labels | Results:
        """See `AsyncClient.run`."""
        found: Labels | Results = self._loop.call(self._client.run(inputs, **arguments))
        return found

    def upload(
        self,
        paths: Paths,
        *,
        pattern: str | None = None,
        exclude: str | Path | None = None,
        name: str = "",
        movies: bool = False,
        progress: Progress | None = None,
    ) -> list[Stored]:
        """See `AsyncClient.upload`."""
        return self._loop.call(
            self._client.upload(
                paths,
                pattern=pattern,
                exclude=exclude,
                name=name,
                movies=movies,
                progress=progress,
            )
        )

    def submit(
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
        """See `AsyncClient.submit`."""
        return self._loop.call(
            self._client.submit(
                inputs,
                pipeline=pipeline,
                axes=axes,
                name=name,
                priority=priority,
                format=format,
                ngff=ngff,
                overlay=overlay,
                geojson=geojson,
                options=options,
                **more,
            )
        )

    def job(self, job: str) -> Job:
        """See `AsyncClient.job`."""
        return self._loop.call(self._client.job(job))

    def find(self, beginning: str) -> Job:
        """See `AsyncClient.find`."""
        return self._loop.call(self._client.find(beginning))

    def jobs(
        self,
        *,
        state: str | None = None,
        pipeline: str | None = None,
        name: str | None = None,
        limit: int | None = 100,
    ) -> list[Job]:
        """See `AsyncClient.jobs`."""
        return self._loop.call(
            self._client.jobs(state=state, pipeline=pipeline, name=name, limit=limit)
        )

    def watch(self, job: str) -> Iterator[Job]:
        """See `AsyncClient.watch`."""
        return self._loop.iterate(self._client.watch(job))

    def wait(self, job: str, *, seconds: float | None = None) -> Job:
        """See `AsyncClient.wait`."""
        return self._loop.call(self._client.wait(job, seconds=seconds))

    def cancel(self, job: str) -> Job:
        """See `AsyncClient.cancel`."""
        return self._loop.call(self._client.cancel(job))

    def pause(self, job: str) -> Job:
        """See `AsyncClient.pause`."""
        return self._loop.call(self._client.pause(job))

    def resume(self, job: str) -> Job:
        """See `AsyncClient.resume`."""
        return self._loop.call(self._client.resume(job))

    def retry(self, job: str) -> Job:
        """See `AsyncClient.retry`."""
        return self._loop.call(self._client.retry(job))

    def pin(self, job: str, pinned: bool = True) -> Job:
        """See `AsyncClient.pin`."""
        return self._loop.call(self._client.pin(job, pinned))

    def share(self, job: str, *, days: float = 7) -> Share:
        """See `AsyncClient.share`."""
        return self._loop.call(self._client.share(job, days=days))

    def delete(self, job: str) -> None:
        """See `AsyncClient.delete`."""
        self._loop.call(self._client.delete(job))

    def items(self, job: str, state: str | None = None) -> Iterator[Item]:
        """See `AsyncClient.items`."""
        return self._loop.iterate(self._client.items(job, state))

    def download(
        self,
        job: str,
        out: str | Path,
        *,
        formats: Sequence[str] | None = None,
        overwrite: bool = False,
        progress: download.Progress | None = None,
    ) -> Results:
        """See `AsyncClient.download`."""
        return self._loop.call(
            self._client.download(job, out, formats=formats, overwrite=overwrite, progress=progress)
        )

    def formats(self, job: str) -> list[dict[str, Any]]:
        """See `AsyncClient.formats`."""
        return self._loop.call(self._client.formats(job))

    def uploads(self) -> list[Upload]:
        """See `AsyncClient.uploads`."""
        return self._loop.call(self._client.uploads())

    def delete_upload(self, name: str) -> None:
        """See `AsyncClient.delete_upload`."""
        self._loop.call(self._client.delete_upload(name))

    def pipelines(self) -> list[dict[str, Any]]:
        """See `AsyncClient.pipelines`."""
        return self._loop.call(self._client.pipelines())

    def pipeline(self, name: str) -> dict[str, Any]:
        """See `AsyncClient.pipeline`."""
        return self._loop.call(self._client.pipeline(name))

    def models(self) -> list[dict[str, Any]]:
        """See `AsyncClient.models`."""
        return self._loop.call(self._client.models())

    def me(self) -> dict[str, Any]:
        """See `AsyncClient.me`."""
        return self._loop.call(self._client.me())
