"""Opening any image: the format is told from the content, not from the name."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .checks import reading
from .core import ImageFile

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"

_CONVERT = "convert it to OME-TIFF, for example in Fiji (Bio-Formats Exporter) or with bfconvert"
_EXPORT = "export it as TIFF or PNG"

#: Beginnings of files that are known but cannot be read: what they are, and the way out.
_OTHERS = (
    (b"ZISRAWFILE", "is a Zeiss CZI file", _CONVERT),
    (b"\xda\xce\xbe\x0a", "is a Nikon ND2 file", _CONVERT),
    (b"\0\0\0\x0cjP  ", "is a JPEG 2000 or old Nikon ND2 file", _CONVERT),
    (b"\x70\0\0\0", "is a Leica LIF file", _CONVERT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Olympus OIB, Zeiss ZVI or Office file", _CONVERT),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file, such as Imaris writes", _CONVERT),
    (b"\x93NUMPY", "is a NumPy array", "save it with tifffile.imwrite"),
    (b"BM", "is a BMP picture", _EXPORT),
    (b"GIF8", "is a GIF picture", _EXPORT),
    (b"RIFF", "is a WebP picture or a video", _EXPORT),
    (b"%PDF", "is a PDF document", _EXPORT),
    (b"PK\x03\x04", "is a zip archive", "give it a name that ends in .zip, or unpack it"),
    (b"\x1f\x8b", "is packed with gzip", "unpack it with gunzip"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", "unpack it"),
    (b"Rar!", "is a RAR archive", "unpack it"),
    (b"Salted__", "is encrypted", "decrypt it"),
    (b"-----BEGIN PGP", "is encrypted", "decrypt it"),
    (b"age-encryption.org", "is encrypted", "decrypt it"),
)

#: Beginnings of files of text that are worth a word of their own.
_TEXTS = (
    (b"version https://git-lfs", "is a pointer of Git LFS, not the file", "run git lfs pull"),
    (b"<!DOCTYPE", "is a web page", "download the image itself"),
    (b"<html", "is a web page", "download the image itself"),
    (b"<?xml", "is XML without pixels", "give the image files that lie beside it"),
    (b"<OME", "is OME-XML without pixels", "give the image files that lie beside it"),
)

#: Bytes that tell a format.
_HEAD = 4096


def open_images(path: Path) -> ImageFile:
    """Open an image file or an OME-Zarr folder.

    Reads TIFF with its dialects, PNG, JPEG and OME-Zarr 0.1 to 0.5. Raises `InputError` for a file
    that is missing, empty, damaged, or of another format, and says which.
    """
    # The readers are imported when needed: each brings libraries that take tenths of a second.
    with reading(path):
        if path.is_dir():
            return _open_folder(path)
        if not path.exists():
            raise InputError(path, "is not there", "check the path")
        if not path.is_file():
            raise InputError(path, "is no file but a device or pipe", "copy the image to a file")
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(_TIFF):
            from .tiff import open_tiff

            return open_tiff(path)
        if head.startswith((_PNG, _JPEG)):
            from .picture import open_picture

            return open_picture(path)
        raise _refusal(path, head)


def _open_folder(path: Path) -> ImageFile:
    if not any((path / name).is_file() for name in (".zattrs", ".zgroup", "zarr.json", ".zarray")):
        raise InputError(
            path, "is a folder but not OME-Zarr", "give the folder that holds zarr.json or .zattrs"
        )
    from .ngff import open_ngff

    return open_ngff(path)


def _refusal(path: Path, head: bytes) -> InputError:
    """Why a file that begins with ``head`` cannot be opened."""
    if not head:
        return InputError(path, "is empty (0 bytes)", "copy it again")
    for start, fault, advice in _OTHERS:
        if head.startswith(start):
            return InputError(path, fault, advice)
    if not head.strip(b"\0"):
        return InputError(path, "holds only zeros where an image begins", "copy it again")
    if _is_text(head):
        for start, fault, advice in _TEXTS:
            if head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(start.lower()):
                return InputError(path, fault, advice)
        return InputError(path, "is not an image: it holds text", "leave it out or copy it again")
    return InputError(
        path,
        "is not an image of a known format, or is damaged or encrypted",
        "give TIFF, OME-TIFF, OME-Zarr, PNG or JPEG",
    )


def _is_text(head: bytes) -> bool:
    """Whether bytes read as text: UTF-8 but for a cut last letter, without control characters."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\r\n\t\f" for letter in text)
