"""Make a folder of installed packages small: leave out, strip, join copies; then see that it holds.

    python3 lean.py PACKAGES LEAVE_OUT...

LEAVE_OUT are lists of globs. Ends with status 1 where a glob matches nothing, or where a library
that stays lacks another that it names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

#: Bytes from which it is worth while to look at a library.
_WORTH = 200_000

#: Folders of libraries that their wheel's builder moved about; to strip those breaks them.
_MOVED = re.compile(r"\.libs$")

#: Comes with the driver of a GPU, not with the image.
_FROM_OUTSIDE = {"libcuda.so.1"}


def main(packages: Path, *lists: str) -> None:
    """Do it all, and say how many bytes there were and are."""
    before = _size(packages)
    found = {pattern: list(packages.glob(pattern)) for pattern in _patterns(lists)}
    if idle := [pattern for pattern, paths in found.items() if not paths]:
        sys.exit(f"nothing to leave out, strike it from the list: {', '.join(idle)}")
    for paths in found.values():
        for path in paths:
            _remove(path)
    _join(packages)
    for path in _libraries(packages):
        if path.stat().st_size > _WORTH and not _MOVED.search(path.parent.name):
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)
    _hold(packages)
    print(f"{packages}: {before / 1e6:.0f} MB, now {_size(packages) / 1e6:.0f} MB")


def _patterns(lists: tuple[str, ...]) -> Iterator[str]:
    for name in lists:
        for line in Path(name).read_text().splitlines():
            if line and not line.startswith("#"):
                yield line


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)  # a folder that held it may have gone before


def _join(packages: Path) -> None:
    """Make copies of a library links to the one of the longest name: a wheel holds no links."""
    seen: dict[tuple[Path, int, bytes], Path] = {}
    for path in sorted(_libraries(packages), key=lambda one: -len(one.name)):
        if path.stat().st_size < _WORTH:
            continue
        data = path.read_bytes()
        first = seen.setdefault((path.parent, len(data), data[-4096:]), path)
        if first != path and first.read_bytes() == data:
            path.unlink()
            path.symlink_to(first.name)


def _libraries(packages: Path) -> list[Path]:
    return [one for one in packages.rglob("*.so*") if one.is_file() and not one.is_symlink()]


def _hold(packages: Path) -> None:
    """Exit where a library that is named by another is nowhere."""
    # Some are found in the memory of one that was loaded before, or where the image says.
    there = _FROM_OUTSIDE | {one.name for one in packages.rglob("*.so*")}
    faults = []
    for path in _libraries(packages):
        told = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
        if lacking := set(re.findall(r"(\S+) => not found", told.stdout)) - there:
            faults.append(f"{path.relative_to(packages)}: lacks {', '.join(sorted(lacking))}")
    if faults:
        sys.exit("\n".join(faults))


def _size(folder: Path) -> int:
    files = (os.lstat(Path(at) / name) for at, _, names in os.walk(folder) for name in names)
    return sum(status.st_size for status in files)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
