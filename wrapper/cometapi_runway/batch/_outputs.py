"""Where the outputs of a batch go: a local folder, or a URL that fsspec knows (``s3://…``)."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import frozen

from cometapi_runway.batch._output_names import number_name
from cometapi_runway.errors import ConfigurationError, DownloadError
from cometapi_runway.resources._bound_task import AsyncBoundTask

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


class OutputFolder(Protocol):
    """Saves the outputs of tasks under the names of their rows."""

    async def save(self, task: AsyncBoundTask, name: str) -> tuple[str, ...]:
        """Save every output; return the files' names in the folder, with ``/``.

        Raises:
            DownloadError: One cannot be downloaded or saved.
        """
        ...

    def publish(self, file: Path) -> None:
        """Copy a file that this process has written, such as the results, to its place."""
        ...


@frozen
class LocalFolder:
    """A folder of this machine, or one that is mounted on it."""

    path: Path

    async def save(self, task: AsyncBoundTask, name: str) -> tuple[str, ...]:
        """Save every output; see `OutputFolder`."""
        folder, _, _ = name.rpartition("/")
        place = self.path / folder
        if not place.resolve().is_relative_to(self.path.resolve()):
            # It was inside when the row was checked.
            raise DownloadError(f"{place} leads out of {self.path}", task_id=task.id)
        files = await task.download_as(place, _make_stems(task, name))
        return tuple(file.relative_to(self.path).as_posix() for file in files)

    def publish(self, file: Path) -> None:
        """Nothing: the file is written in its place."""


@frozen
class RemoteFolder:
    """A folder of a file system that fsspec opens.

    Attributes:
        url: Its URL.
    """

    url: str
    _system: Any
    _path: str

    async def save(self, task: AsyncBoundTask, name: str) -> tuple[str, ...]:
        """Save every output; see `OutputFolder`."""
        folder, slash, _ = name.rpartition("/")
        with tempfile.TemporaryDirectory() as staging:
            files = await task.download_as(Path(staging), _make_stems(task, name))
            names = [f"{folder}{slash}{file.name}" for file in files]
            try:
                for file, target in zip(files, names, strict=True):
                    await asyncio.to_thread(self._put, file, target)
            except Exception as error:
                # Every file system has errors of its own.
                message = f"cannot save {names} at {self.url}: {error}"
                raise DownloadError(message, task_id=task.id) from error
        return tuple(names)

    def publish(self, file: Path) -> None:
        """Copy a file to the folder, and replace it there."""
        self._put(file, file.name)

    def _put(self, file: Path, name: str) -> None:
        target = f"{self._path}/{name}"
        self._system.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._system.put_file(str(file), target)


def is_remote(folder: str) -> bool:
    """Whether a folder is a URL."""
    return _SCHEME.match(folder) is not None


def open_folder(folder: str) -> OutputFolder:
    """Open the folder of a batch.

    Raises:
        ConfigurationError: The URL's file system is not known or not installed, or the folder
            cannot be created.
    """
    if not is_remote(folder):
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"output: cannot create {folder}: {error.strerror}"
            raise ConfigurationError(message, setting="output") from error
        return LocalFolder(path)
    try:
        # Late: an extra, and few batches need it. It has no types.
        core: Any = import_module("fsspec.core")
        system, path_in_system = core.url_to_fs(folder)
    except (ImportError, ValueError) as error:
        message = f"output: cannot open {folder}: {error}"
        raise ConfigurationError(message, setting="output") from error
    return RemoteFolder(folder, system, path_in_system.rstrip("/"))


def _make_stems(task: AsyncBoundTask, name: str) -> Sequence[str]:
    count = len(task.output)
    last = name.rpartition("/")[2]
    return [number_name(last, index, count) for index in range(count)]
