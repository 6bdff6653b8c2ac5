"""RemoteStore: clips on any storage that fsspec knows (s3://, gs://, file:// of a mount, ...), shared by machines.

A clip's sound goes up first and its receipt last, and what comes down counts when it has the size that the receipt
names: a cut transfer leaves a clip that is whole or not there. Object storage knows no locks: machines that begin the
same clip at the same moment make it twice, and write the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from composer.clips import clip_path, find_clip, receipt_path
from composer.errors import ComposerError
from composer.files import UNFINISHED


class RemoteStore:
    """Raises ComposerError, naming the address, for storage that is not known or cannot be reached."""

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        try:
            self._files, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError, OSError) as error:
            raise ComposerError(f"--store {url}: cannot be used: {error}") from error
        self._root = Path(root)

    def has(self, fingerprint: str) -> bool:
        with self._reached():
            found: bool = self._files.exists(self._place(receipt_path, fingerprint))
            return found

    def fetch(self, shelf: Path, fingerprint: str) -> bool:
        """Brings a clip down onto a shelf; False where it is not there. Raises OSError when the disk refuses."""
        if not self.has(fingerprint):
            return False
        shelf.mkdir(parents=True, exist_ok=True)
        for path_in in (clip_path, receipt_path):
            final = path_in(shelf, fingerprint)
            unfinished = final.with_name(f"{final.name}.{os.getpid()}{UNFINISHED}")
            try:
                with self._reached():
                    raw: bytes = self._files.cat_file(self._place(path_in, fingerprint))
                unfinished.write_bytes(raw)
                os.replace(unfinished, final)
            finally:
                with suppress(OSError):
                    unfinished.unlink(missing_ok=True)
        return find_clip(shelf, fingerprint) is not None

    def publish(self, shelf: Path, fingerprint: str) -> None:
        """Brings a clip of a shelf up, if it is whole and new there."""
        if find_clip(shelf, fingerprint) is None or self.has(fingerprint):
            return
        for path_in in (clip_path, receipt_path):
            raw = path_in(shelf, fingerprint).read_bytes()
            place = self._place(path_in, fingerprint)
            with self._reached():
                self._files.makedirs(str(Path(place).parent), exist_ok=True)
                self._files.pipe_file(place, raw)

    def _place(self, path_in: Any, fingerprint: str) -> str:
        return str(path_in(self._root / fingerprint[:2], fingerprint).as_posix())

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Whatever a storage's own library raises is told as ours."""
        try:
            yield
        except Exception as error:
            raise ComposerError(f"--store {self.url}: {type(error).__name__}: {str(error)[:200]}") from error


@lru_cache(maxsize=8)
def remote_store(url: str) -> RemoteStore:
    """The store at an address; its connection is kept for the life of the process."""
    return RemoteStore(url)
