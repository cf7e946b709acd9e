"""The labels of a movie as writers read them: a frame at a time."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class Labels(Protocol):
    """Labels of a movie, (t, z, y, x) with one z, unsigned; read by slices, like an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Frames, 1, height and width."""
        ...

    def __getitem__(self, index: Any) -> NDArray[Any]: ...
