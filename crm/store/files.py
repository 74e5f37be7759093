"""Attached files: bytes kept under the SHA-256 of themselves, whole or not at all, the same content once.

They lie in the folder that `CRM_FILES` names; without it in `files` beside the database file, and for a server database
in `~/.local/share/crm/files`. Bytes are never changed or removed: rows of `attachment` say what they are to whom.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from crm.errors import DatabaseUnusable
from crm.locale import _
from crm.store.engine import Database

FOLDER_VARIABLE = "CRM_FILES"
_HASH = re.compile(r"[0-9a-f]{64}")


def files_folder(database: Database) -> Path:
    """Return the folder that holds the attached files of a database."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen).resolve()
    if database.is_server:
        return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "crm" / "files"
    return Path(database.url).resolve().parent / "files"


def content_hash(content: bytes) -> str:
    """Return the name of a content: its SHA-256."""
    return hashlib.sha256(content).hexdigest()


def stored_file(database: Database, sha256: str) -> Path:
    """Return where the content of a hash lies, whether it is there or not."""
    return place_in(files_folder(database), sha256)


def place_in(folder: Path, sha256: str) -> Path:
    """Return where a folder of files holds the content of a hash."""
    if not _HASH.fullmatch(sha256):
        raise ValueError(sha256)
    return folder / sha256[:2] / sha256


@contextmanager
def staged(database: Database, contents: Sequence[bytes]) -> Iterator[Callable[[], None]]:
    """Write contents to disk under passing names and give the function that puts them in their place.

    Called within the transaction that names them, it costs it a rename; where it is not called, nothing stays behind.
    Raises DatabaseUnusable where the folder cannot be written to.
    """
    folder = files_folder(database)
    waiting: list[tuple[Path, Path]] = []

    def keep() -> None:
        with _plain_errors(folder):
            for passing, place in waiting:
                place.parent.mkdir(mode=0o700, exist_ok=True)
                passing.replace(place)
                _sync_folder(place.parent)

    try:
        with _plain_errors(folder):
            for content in contents:
                place = place_in(folder, content_hash(content))
                if not place.is_file():
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    waiting.append((folder / f".{secrets.token_hex(8)}.part", place))
                    _write(waiting[-1][0], content)
        yield keep
    finally:
        for passing, _place in waiting:
            with suppress(OSError):
                passing.unlink(missing_ok=True)


def copy_files(source: Path, target: Path, hashes: Iterable[str]) -> list[str]:
    """Copy the contents of these hashes into another folder of files and return those that were there to be copied.

    What the source has lost is left out: `crm check` names it. Raises DatabaseUnusable.
    """
    copied = []
    with _plain_errors(target):
        for sha256 in hashes:
            found, place = place_in(source, sha256), place_in(target, sha256)
            if not found.is_file():
                continue
            if not place.is_file():
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                passing = target / f".{secrets.token_hex(8)}.part"
                _write(passing, found.read_bytes())
                passing.replace(place)
                _sync_folder(place.parent)
            copied.append(sha256)
    return copied


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseUnusable(
            _("The folder {folder} cannot be written to. Check that it exists and its permissions.", folder=folder)
        ) from error
