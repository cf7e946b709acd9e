"""What the formats of BioImage.IO have in common: who made a model, and how close is close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .description import Tensor, Tolerance
from .entries import weights
from .fields import Field
from .files import attached

#: Groups of outputs that a tolerance may be about, instead of names.
_GROUPS = {"any_discrete_output": "iub", "any_continuous_output": "f"}


def head(top: Field, format_: str) -> dict[str, Any]:
    """The fields of `Description` other than the tensors and the tolerances."""
    kind = top.get("type")
    if kind is not None:
        kind.choice("model")
    own = top.get("config")
    zoo = own.get("bioimageio") if own else None
    nickname = zoo.get("nickname") if zoo and zoo.is_mapping else None
    found, refused = weights(top.need("weights"))
    documentation = top.get("documentation")
    named = attached(documentation, needed=False)
    return {
        "name": top.need("name").text(),
        "version": _text(top, "version"),
        "description": _text(top, "description"),
        "license": _text(top, "license"),
        "authors": tuple(author.need("name").text() for author in top.many("authors")),
        "format": format_,
        "folder": top.file.parent,
        "source": top.file,
        "weights": found,
        "refused": refused,
        "documentation": named.path if named else None,
        "cite": tuple(_citation(cited) for cited in top.many("cite")),
        "tags": tuple(tag.text() for tag in top.many("tags")),
        "config": own.mapping() if own else {},
        "id": nickname.text() if nickname else _text(top, "id"),
    }


def tolerances(fields: Sequence[Field], outputs: Sequence[Tensor]) -> tuple[Tolerance, ...]:
    """What each of ``fields`` says; ``output_ids`` may name a group of ``outputs``."""
    about = [(field, _about(field, outputs)) for field in fields]
    return tuple(tolerance(field, names) for field, names in about if names is not None)


def tolerance(field: Field, outputs: tuple[str, ...] = ()) -> Tolerance:
    """What ``field`` says; what it leaves out is as the format has it."""
    usual = Tolerance()
    return Tolerance(
        _least_zero(field, "relative_tolerance", usual.relative),
        _least_zero(field, "absolute_tolerance", usual.absolute),
        _least_zero(field, "mismatched_elements_per_million", usual.mismatched),
        outputs,
        tuple(kind.text() for kind in field.many("weights_formats")),
    )


def _about(field: Field, outputs: Sequence[Tensor]) -> tuple[str, ...] | None:
    """The outputs that a tolerance is about: no names are all, None is a group of none."""
    given = field.get("output_ids")
    if given is None:
        return ()
    if given.is_list:
        return tuple(each.text().lower() for each in given.items())
    kinds = _GROUPS[given.choice(*_GROUPS)]
    return tuple(each.id for each in outputs if np.dtype(each.dtype).kind in kinds) or None


def _least_zero(field: Field, key: str, usual: float) -> float:
    given = field.get(key)
    if given is None:
        return usual
    number = given.number()
    if not number >= 0:
        raise given.fault(f"must be 0 or more, not {number:g}")
    return number


def _text(top: Field, key: str) -> str:
    found = top.get(key)
    return found.text() if found else ""


def _citation(field: Field) -> str:
    """One line: text, then where to find it."""
    parts = [found.text() for key in ("text", "doi", "url") if (found := field.get(key))]
    return ", ".join(dict.fromkeys(parts))
