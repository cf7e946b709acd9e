"""Where the built page lies in the package, and what to do where it does not."""

from __future__ import annotations

from pathlib import Path

#: What `npm run build` writes and the wheel holds; git ignores it.
FOLDER = Path(__file__).parent / "page"

#: Its sources; in a checkout alone.
_SOURCES = Path(__file__).parents[3] / "web"


def lacking(folder: Path = FOLDER, sources: Path = _SOURCES) -> str:
    """What to do before there is a page in ``folder``, as part of a sentence; "" where one is."""
    if (folder / "index.html").is_file():
        return ""
    if (sources / "package.json").is_file():
        return "run scripts/page"
    return "the package is damaged; install it again: pip install --force-reinstall cytomill[kiosk]"
