"""The items of a job, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator

from .http import Http, part
from .records import Item

#: Items of a page.
_PAGE = 500


async def items(http: Http, job: str, state: str | None = None) -> AsyncIterator[Item]:
    """The items of a job, or those in ``state``, in order."""
    after = None
    while True:
        page = await http.get(f"/jobs/{part(job)}/items", state=state, after=after, limit=_PAGE)
        for one in page["items"]:
            yield Item.parse(one)
        after = page.get("next")
        if after is None:
            return
