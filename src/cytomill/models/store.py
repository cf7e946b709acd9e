"""The store: models that the user installed, each in a folder of its name."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urljoin, urlsplit

from ..errors import ModelError, OptionError
from ..image.atomic import clear_leftovers, output_error, replacing
from ..image.names import clean
from ..settings import settings
from .bare import SUFFIXES, card_of
from .description import Description
from .download import Downloader, hosts
from .fields import Field
from .library import built_in, installed, installed_in, is_name, unknown
from .listing import files, sources
from .package import check_files, read, read_folder
from .sniff import sniff
from .unpack import unpacked

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def user_store() -> Store:
    """The store of this user, in the folder of the settings."""
    return Store(installed_in(), Downloader(hosts(settings.model_hosts)))


@dataclass(frozen=True, slots=True)
class Store:
    """The models installed in ``folder``. Any number of processes may use it at once."""

    folder: Path
    downloader: Downloader

    def names(self) -> tuple[str, ...]:
        """Names of the installed models, sorted."""
        return tuple(installed(self.folder))

    def add(
        self, source: str, name: str | None = None, *, overwrite: bool = False, urls: bool = True
    ) -> tuple[str, Description]:
        """Install the model ``source``: a path as `package.read` takes it, or a URL.

        Only the files that the description names are copied, and their hashes are checked. Where
        no ``name`` is given, it is the zoo's, or made from the model's. A model of that name is
        left as it is where it has the same files, and replaced where ``overwrite``. Returns the
        name and what was installed. Raises `OptionError` for a name that is taken or not usable,
        and for a URL that is not fetched, as all are without ``urls``; `ModelError` for a model
        with a fault; `OutputError`; `DownloadError`.
        """
        if name is not None:
            _check_name(name)
        url = _URL.match(source) is not None
        if url and not urls:
            raise OptionError(f"{source}: models are not fetched from URLs here; give a path")
        with self._temporary() as folder:
            found = self._fetched(source, folder) if url else _read(source, folder)
            return self._install(found, name, overwrite)

    def remove(self, name: str) -> None:
        """Remove the installed model ``name``; raises `OptionError` where there is none."""
        if name in built_in():
            raise OptionError(f"{name}: is built in, and cannot be removed")
        with self._locked():
            folder = installed(self.folder).get(name)
            if folder is None:
                raise unknown(name)
            try:
                with tempfile.TemporaryDirectory(
                    prefix=".removed-", dir=self.folder, ignore_cleanup_errors=True
                ) as aside:
                    folder.replace(Path(aside, name))
            except OSError as error:
                raise output_error(folder, error) from error

    def _install(
        self, description: Description, name: str | None, overwrite: bool
    ) -> tuple[str, Description]:
        check_files(description)
        name = name or usual_name(description)
        _check_name(name)
        given = files(description)
        target = self.folder / name
        with self._locked():
            clear_leftovers(target)
            if target.is_dir():
                if _digest(_present(target)) == _digest(given):
                    return name, read_folder(target)
                if not overwrite:
                    raise OptionError(
                        f"{name}: is installed with other files; give --overwrite to replace it, "
                        "or another --name"
                    )
            with replacing(target) as temporary:
                for path, source in given.items():
                    (temporary / path).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, temporary / path)
        return name, read_folder(target)

    def _fetched(self, url: str, folder: Path) -> Description:
        """What is at a URL: a zip, or a description and the files it names."""
        name = clean(unquote(urlsplit(url).path).rsplit("/", 1)[-1])[-100:]
        if Path(name).suffix in SUFFIXES:
            return self._fetched_bare(url, folder, name)
        path = folder / name
        left = settings.model_bytes - self.downloader.fetch(url, path, settings.model_bytes)
        if path.suffix.lower() not in (".yaml", ".yml"):
            if sniff(path) != "zip":
                raise ModelError(f"{url}: is neither a zip nor a description of a model")
            return read_folder(unpacked(path, folder / ".unpacked"))
        for source in sources(Field.read(path)):
            text = source.text()
            place = folder / clean(text)
            if _URL.match(text) or place.exists():
                continue
            if place.relative_to(folder).as_posix() != text.removeprefix("./"):
                raise source.fault(f"is {text!r}, and must be a path from the description's folder")
            place.parent.mkdir(parents=True, exist_ok=True)
            left -= self.downloader.fetch(urljoin(url, text), place, left)
        return read(path)

    def _fetched_bare(self, url: str, folder: Path, name: str) -> Description:
        """Weights at a URL, with the card beside them there."""
        path = folder / name
        left = settings.model_bytes - self.downloader.fetch(url, path, settings.model_bytes)
        parts = urlsplit(url)
        beside = parts._replace(path=str(card_of(Path(parts.path)))).geturl()
        left -= self.downloader.fetch(beside, card_of(path), left)
        for source in sources(Field.read(card_of(path))):
            place = folder / clean(source.text())
            left -= self.downloader.fetch(urljoin(beside, source.text()), place, left)
        return read(path)

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """A folder on the disk of the store, which has room for models."""
        self._make()
        with tempfile.TemporaryDirectory(
            prefix=".fetched-", dir=self.folder, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """Alone among all processes that change the store."""
        self._make()
        try:
            file = (self.folder / ".lock").open("ab")
        except OSError as error:
            raise output_error(self.folder, error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self.folder, error) from error


def _read(source: str, folder: Path) -> Description:
    """The model at a path; a zip is unpacked into ``folder``, for it is copied from there."""
    path = Path(source)
    if path.is_file() and sniff(path) == "zip":
        return read_folder(unpacked(path, folder))
    return read(source)


def _check_name(name: str) -> None:
    if not is_name(name):
        raise OptionError(
            f"{name!r} cannot be a model's name: letters, digits, '-', '_' and '.' can, at most 100"
        )
    if name in built_in():
        raise OptionError(f"{name}: is the name of a built-in model; give another with --name")


def usual_name(description: Description) -> str:
    """The zoo's name, else the model's in lower case with ``-`` for what names have not."""
    told = description.id.rsplit("/", 1)[-1] or description.name
    return re.sub(r"[^a-z0-9._-]+", "-", told.lower()).strip("-._")[:100] or "model"


def _present(folder: Path) -> dict[Path, Path]:
    return {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}


def _digest(named: Mapping[Path, Path]) -> str:
    """The same for the same files under the same names."""
    total = hashlib.sha256()
    for name in sorted(named):
        with named[name].open("rb") as file:
            own = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{own} {name.as_posix()}\n".encode())
    return total.hexdigest()
