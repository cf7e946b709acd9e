"""Where else the page may go than its own kiosk: found out beside the requests."""

from __future__ import annotations

from contextlib import suppress

from ...errors import UnreachableError
from ...jobs.bucket import Bucket
from ..oidc import Provider
from .page import Page


class Reach:
    """Lets ``page`` send pieces of files to a bucket that signs addresses for them.

    It may also ask the ``provider``, if there is one, for tokens, where that does so at another
    address than its own. To know these takes as long as others take to answer.
    """

    def __init__(self, page: Page, bucket: Bucket, provider: Provider | None) -> None:
        self._page, self._bucket, self._provider = page, bucket, provider
        self._known = False

    def look(self) -> None:
        """Find out, once; what is away is asked again with the next call."""
        if self._known:
            return
        with suppress(UnreachableError):
            tokens = self._provider.token_address() if self._provider else ""
            self._page.allow(self._bucket.sign("uploads", "PUT", 1) or "", tokens)
            self._known = True
