"""Have bytecode where a folder has Python's sources, for images that nobody may write to.

    python3.11 bytecode.py FOLDER PLACE

Without it each start would compile all anew. Sources stay only where something reads them: what
numba compiles. All else has its bytecode in their place, so that the image grows by nothing.
PLACE is where FOLDER will lie, as tracebacks tell it.
"""

from __future__ import annotations

import compileall
import py_compile
import sys
from pathlib import Path

#: What has its sources read: numba dates what it keeps of them by these.
_READ = ("cytomill/ops",)

#: What says more in its docstrings than it does: it goes without them.
_WORDY = ("scipy",)


def main(folder: Path, place: str) -> None:
    """Compile it all."""
    read = {folder / name for name in _READ}
    wordy = {folder / name for name in _WORDY}
    for path in [*folder.rglob("*.py")]:
        keep = bool(read & {*path.parents})
        done = compileall.compile_file(
            path,
            stripdir=str(folder),
            prependdir=place,
            quiet=1,
            legacy=not keep,
            optimize=2 if wordy & {*path.parents} else -1,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        if done and not keep:
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
