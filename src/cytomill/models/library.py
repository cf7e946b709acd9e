"""Where models are that have a name: built into the program, or installed."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import OptionError
from ..settings import settings

_BUILT_IN = Path(__file__).parent / "builtin"

#: Names of models: they are names of folders, of requests and of metrics too.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def built_in() -> dict[str, Path]:
    """The folders of the built-in models by name, sorted."""
    return installed(_BUILT_IN)


def installed_in() -> Path:
    """The folder of installed models, which need not be there."""
    return settings.models.expanduser()


def installed(folder: Path | None = None) -> dict[str, Path]:
    """The folders of installed models by name, sorted; those in ``folder``, if it is given."""
    root = installed_in() if folder is None else folder
    if not root.is_dir():
        return {}
    found = sorted(root.iterdir())
    return {path.name: path for path in found if is_name(path.name) and path.is_dir()}


def is_name(text: str) -> bool:
    """Whether a model can be called so."""
    return _NAME.fullmatch(text) is not None


def find_folder(name: str) -> Path | None:
    """The folder of the built-in or installed model ``name``, None where there is none."""
    if not is_name(name):
        return None
    found = (root / name for root in (_BUILT_IN, installed_in()))
    return next((path for path in found if path.is_dir()), None)


def unknown(name: str) -> OptionError:
    """What to say of a name that no model has."""
    known = ", ".join([*built_in(), *installed()])
    return OptionError(f"no model {name!r}; the models are: {known}")
