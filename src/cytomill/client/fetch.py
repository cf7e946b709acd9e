"""Fetching one file; what came before a connection was lost is not fetched again."""

from __future__ import annotations

from typing import BinaryIO

import httpx

from ..errors import CytomillError, PermanentError
from .errors import ServerBusyError
from .http import SILENT, Http, Patience


async def fetch(
    http: Http,
    address: str,
    file: BinaryIO,
    count: int | None,
    *,
    signed: bool = False,
    silent: float = SILENT,
) -> None:
    """Write what is at ``address`` below the API to ``file``: ``count`` bytes, None for unknown.

    ``signed`` takes it from the bucket itself, where that can be; ``silent`` are seconds for which
    nothing may come. Raises as `Http.call` does, and
    `PermanentError` where more comes than there is.
    """
    patience = Patience(http)
    tag = ""
    while True:
        direct = signed and http.direct
        params = {"redirect": "true"} if direct else None
        fault: CytomillError
        after = 0.0
        try:
            async with http.stream(
                address, headers=_headers(file, tag), params=params, timeout=silent
            ) as response:
                if response.status_code in (200, 206):
                    tag = response.headers.get("etag", "")
                    await _write(file, response, count, patience)
                    if count is None or file.tell() == count:
                        return
                    fault = ServerBusyError(
                        f"{http.server.url}: sent {file.tell()} of {count} bytes of a file"
                    )
                elif direct:  # the kiosk will say what is wrong, or send it
                    signed = False
                    continue
                else:
                    await response.aread()
                    fault, after = http.refused(response)
        except httpx.HTTPError as error:
            fault = http.away(error)
        await patience.wait(fault, after)


def _headers(file: BinaryIO, tag: str) -> dict[str, str]:
    """Ask for what is not in the file yet, if that is still the same."""
    headers = {"Accept-Encoding": "identity"}
    if not tag:  # nothing says that the rest would be of the same
        file.seek(0)
    if come := file.tell():
        headers |= {"Range": f"bytes={come}-", "If-Range": tag}
    return headers


async def _write(
    file: BinaryIO, response: httpx.Response, count: int | None, patience: Patience
) -> None:
    begin = response.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    file.seek(int(begin) if response.status_code == 206 and begin.isdecimal() else 0)
    file.truncate()
    # As they come: what a larger chunk lacks would be lost with it.
    async for chunk in response.aiter_bytes():
        if count is not None and file.tell() + len(chunk) > count:
            raise PermanentError(
                f"{patience.server}: sends more of a file than it has; ask who runs the kiosk"
            )
        file.write(chunk)
        patience.renew()
