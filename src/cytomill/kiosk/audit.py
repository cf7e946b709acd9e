"""The audit log: who changed what, and who was refused; a line of JSON for each.

A line has ``time`` (ISO 8601, UTC), ``user``, ``address``, ``method``, ``route`` (its template),
``status``, ``code`` of a refusal, and the ids in the address: ``job``, ``upload``, ``token``,
``item``. Neither tokens nor names of files, and nothing of bodies or queries.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import OptionError

#: Characters of one value: whoever is refused chooses what is in the address.
_LONGEST = 200


class Audit:
    """Writes the log to the file ``path``, or to standard error where there is none.

    Each line is one write to a file opened for that line, so that several processes may share it
    and it may be renamed at any time.
    """

    def __init__(self, path: str = "") -> None:
        """Raises `OptionError` where the file cannot be written."""
        self._path = Path(path).expanduser() if path else None
        self._lock = threading.Lock()
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._write(self._path, b"")
            except OSError as error:
                raise OptionError(
                    f"CYTOMILL_AUDIT={path}: cannot be written ({error.strerror}); name another"
                ) from None

    def write(self, **fields: Any) -> None:
        """Write a line; fields that are empty are left out."""
        row = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
        row |= {
            name: value[:_LONGEST] if isinstance(value, str) else value
            for name, value in fields.items()
            if value not in ("", None)
        }
        line = json.dumps(row) + "\n"
        if self._path is None:
            sys.stderr.write(line)
            return
        try:
            self._write(self._path, line.encode())
        except OSError as error:  # the disk is full: work goes on, and the line is not lost
            sys.stderr.write(f"audit: {error.strerror}: {line}")

    def _write(self, path: Path, line: bytes) -> None:
        with self._lock:
            # For its owner alone: it tells who does what.
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line)
            finally:
                os.close(file)
