"""Files from elsewhere: fetched whole and verified, unpacked nowhere but where they should be."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from .errors import DataError


def fetch(url: str, path: Path, checksum: str) -> Path:
    """Fetch a file, unless it is there already; what an interruption left beside it is gone on with.

    Args:
        checksum: Algorithm and digest, or the beginning of it, `md5:...` or `sha256:...`.
    Raises:
        DataError: Without a network, or if the digest is another one; a bad file is removed if it was fetched here.
    """
    if path.exists():
        if wrong := _difference(path, url, checksum):
            raise DataError(f"{wrong}: move it away and run again to fetch it")
        return path
    part = path.with_name(path.name + ".part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _receive(url, part)
    except (OSError, HTTPException) as error:
        raise DataError(
            f"cannot fetch {url} ({error}): run again with a network, or put the file at {path} ({checksum})"
        ) from None
    if wrong := _difference(part, url, checksum):
        part.unlink()
        raise DataError(f"{wrong}: it was removed; run again to fetch it anew")
    os.replace(part, path)
    return path


def _receive(url: str, part: Path) -> None:
    begun = part.stat().st_size if part.exists() else 0
    try:
        answer = urlopen(Request(url, headers={"Range": f"bytes={begun}-"} if begun else {}), timeout=30)
    except HTTPError as error:
        error.close()
        if begun and error.code == 416:
            return
        raise
    with answer, open(part, "ab" if answer.status == 206 else "wb") as file:
        due = answer.length
        start = file.tell()
        shutil.copyfileobj(answer, file)
        if due is not None and file.tell() - start < due:
            raise OSError(f"the connection ended after {file.tell():,} of {start + due:,} bytes")


def _difference(path: Path, url: str, checksum: str) -> str | None:
    """What is wrong with a file that should be that of an address."""
    algorithm, _, expected = checksum.partition(":")
    with open(path, "rb") as file:
        actual = hashlib.file_digest(file, algorithm).hexdigest()
    if actual.startswith(expected):
        return None
    return f"{path} is not what {url} should hold ({algorithm} {actual}, expected {expected})"


def extract(archive: Path, folder: Path) -> None:
    """Unpack a tar or zip file into `folder`, all of it or nothing.

    Raises:
        DataError: If it is damaged, or a member is a device or would land outside the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as place:
        try:
            if zipfile.is_zipfile(archive):
                _unzip(archive, place)
            else:
                with tarfile.open(archive) as tar:
                    tar.extractall(place, filter=_strict)
        except tarfile.FilterError as error:
            raise DataError(f"{archive} is not safe to unpack ({error}): do not use it") from None
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
            raise DataError(f"{archive} cannot be unpacked ({error}): remove it and run again") from None
        entries = sorted(Path(place).iterdir())
        for entry in entries:  # all before the first is moved
            if (folder / entry.name).exists():
                raise DataError(f"{folder / entry.name} is in the way of {archive}: remove it and run again")
        for entry in entries:
            entry.rename(folder / entry.name)


def _strict(member: tarfile.TarInfo, place: str) -> tarfile.TarInfo | None:
    if PurePosixPath(member.name).is_absolute():
        raise tarfile.AbsolutePathError(member)
    return tarfile.data_filter(member, place)


def _unzip(archive: Path, place: str) -> None:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            name = PurePosixPath(member.filename.replace("\\", "/"))
            kind = stat.S_IFMT(member.external_attr >> 16)
            if name.is_absolute() or ".." in name.parts or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise DataError(f"{archive} is not safe to unpack ({member.filename!r}): do not use it")
        file.extractall(place)
