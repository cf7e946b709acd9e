"""The models there are: today those built into the package."""

from __future__ import annotations

from pathlib import Path

from ..errors import OptionError
from .card import DESCRIPTIONS, Model

_BUILT_IN = Path(__file__).parent / "builtin"


def names() -> tuple[str, ...]:
    """Names of the models, sorted."""
    found = (path.parent.name for name in DESCRIPTIONS for path in _BUILT_IN.glob(f"*/{name}"))
    return tuple(sorted(found))


def find(name: str) -> Model:
    """The model ``name``; raises `OptionError` naming the models there are."""
    if name not in names():
        raise OptionError(f"no model {name!r}; the models are: {', '.join(names())}")
    return Model.read(_BUILT_IN / name)
