"""Forms of files, read as they come: no file of a form is held in memory or on this disk."""

from __future__ import annotations

from collections.abc import Iterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ...errors import InputError
from ...image.names import shown

#: The field whose values are the files.
FIELD = "files"

_ADVICE = f"send multipart/form-data with fields {FIELD!r}, or PUT each file"


class Form:
    """The files of a form with the header ``content_type``, whose body comes in ``chunks``.

    Raises `InputError` for what is no form.
    """

    def __init__(self, content_type: str, chunks: Iterator[bytes]) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise InputError("the body", "is no form", _ADVICE)
        self._chunks = chunks
        self._header, self._value, self._disposition = b"", b"", b""
        self._events: list[tuple[str, bytearray]] = []
        self._whole = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_header_field": self._on_header,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers,
                    "on_part_data": self._on_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise InputError("the body", f"is no form ({error})", _ADVICE) from None

    def files(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The name and the bytes of each file, which are to be read before the next is asked for.

        Raises `InputError` for another field and where the form is damaged, also while the bytes
        are read.
        """
        events = self._read()
        for kind, data in events:
            if kind == "part":
                yield _name(data), self._data(events)

    def _data(self, events: Iterator[tuple[str, bytes]]) -> Iterator[bytes]:
        for kind, data in events:
            if kind == "end":
                return
            yield data

    def _read(self) -> Iterator[tuple[str, bytes]]:
        """What the parser finds: ``part`` with its Content-Disposition, ``data``, ``end``."""
        for chunk in self._chunks:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise InputError("the form", f"is damaged ({error})", _ADVICE) from None
            found, self._events = self._events, []
            yield from ((kind, bytes(data)) for kind, data in found)
        if not self._whole:
            raise InputError("the form", "is cut short", "send it again")

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _on_headers(self) -> None:
        self._events.append(("part", bytearray(self._disposition)))
        self._disposition = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        # The parser stops at bytes that a boundary could begin with.
        if not self._events or self._events[-1][0] != "data":
            self._events.append(("data", bytearray()))
        self._events[-1][1].extend(memoryview(data)[start:end])

    def _on_part_end(self) -> None:
        self._events.append(("end", bytearray()))

    def _on_end(self) -> None:
        self._whole = True


def _name(disposition: bytes) -> str:
    """The name of the file in a part."""
    _, options = parse_options_header(disposition.decode("latin-1"))
    field = options.get(b"name", b"").decode(errors="replace")
    if field != FIELD or b"filename" not in options:
        raise InputError(shown(field), "is no file of this form", _ADVICE)
    try:
        return options[b"filename"].decode()
    except UnicodeDecodeError:
        raise InputError("a file's name", "is not UTF-8", "rename it") from None
