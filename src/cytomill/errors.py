"""What can go wrong, in words a user can act on.

A class's docstring is its message where none is given. Whether work is retried is decided by the
class alone: `TemporaryError` is worth another try, `PermanentError` is not.
"""

from __future__ import annotations

from typing import Self


class CytomillError(Exception):
    """Something went wrong in Cytomill; please report what you ran and this line."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or "")


class PermanentError(CytomillError):
    """This would fail again in the same way: it is not retried."""


class TemporaryError(CytomillError):
    """This may succeed on another try."""


class UnreachableError(TemporaryError):
    """A service that all work needs does not answer; start it and run the same command again."""


class BusyError(TemporaryError):
    """A service has too much to do; ask it again later, or ask less."""


class _SubjectError(PermanentError):
    """Something has a fault: ``subject``, ``fault`` and ``advice`` read as one line.

    ``a.tif: not a TIFF file; convert it or leave it out``.
    """

    def __init__(self, subject: object, fault: str, advice: str = "") -> None:
        self.subject, self.fault, self.advice = str(subject), fault, advice
        super().__init__(f"{subject}: {fault}" + (f"; {advice}" if advice else ""))

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:
        return type(self), (self.subject, self.fault, self.advice)


class InputError(_SubjectError):
    """An input (a file, a member of a zip, a line of a dataset) cannot be used."""


class OutputError(_SubjectError):
    """An output cannot be written."""


class OptionError(PermanentError):
    """An option or argument is unknown, or its value is not usable."""


class ModelError(PermanentError):
    """The model package is incomplete, damaged or not of a kind that can be run."""


class Interrupted(CytomillError):  # noqa: N818 - the word a user reads
    """Stopped on request; what was finished is kept, run the same command to go on."""
