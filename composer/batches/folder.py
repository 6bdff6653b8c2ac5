"""BatchFolder: the folder of a batch. Every path in it is spelt here; its lock and its log live here too."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from composer.errors import ComposerError, SceneInvalid
from composer.files import sweep, take_lock, write_atomically
from composer.scene import Scene

Line = dict[str, object]


@dataclass(frozen=True)
class BatchFolder:
    folder: Path

    @property
    def log_path(self) -> Path:
        return self.folder / "batch.jsonl"

    @property
    def cast_path(self) -> Path:
        """The voice sheet: the cast that holds across scenes."""
        return self.folder / "cast.toml"

    @property
    def summary_path(self) -> Path:
        return self.folder / "summary.html"

    @property
    def store_dir(self) -> Path:
        return self.folder / "store"

    @property
    def work_dir(self) -> Path:
        """What workers and their parent tell each other while a batch runs."""
        return self.folder / ".work"

    @property
    def stop_path(self) -> Path:
        """While it is there, workers end after the clip in hand."""
        return self.work_dir / "stop"

    def progress_path(self, name: str) -> Path:
        return self.work_dir / f"{name}.jsonl"

    def scene(self, name: str) -> Scene:
        return Scene(self.folder / name)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for one batch at a time; the system frees it however the process ends.

        Raises SceneInvalid when another batch holds it or it cannot be written.
        """
        try:
            self.work_dir.mkdir(parents=True, exist_ok=True)
            lock = (self.work_dir / "lock").open("w")
        except OSError as error:
            raise SceneInvalid(
                f"{self.folder}: cannot be written: {error.strerror}; name a folder that you may write to"
            ) from error
        with lock:
            if not take_lock(lock.fileno()):
                raise SceneInvalid(f"{self.folder}: another batch works in it; wait until it has finished, or stop it")
            sweep(self.folder)
            self.stop_path.unlink(missing_ok=True)
            for left in self.work_dir.glob("*.jsonl"):
                left.unlink(missing_ok=True)
            yield

    def read_log(self) -> list[Line]:
        """Every whole line of the log; one that a kill cut short is left out."""
        try:
            raw = self.log_path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SceneInvalid(f"{self.log_path}: cannot be read: {error.strerror}") from error
        lines = []
        for written in raw.split(b"\n"):
            try:
                line = json.loads(written)
            except ValueError:
                continue
            if isinstance(line, dict):
                lines.append(line)
        return lines

    def log(self, **told: object) -> Line:
        """Adds a line to the log and flushes it to the disk. One process writes it: that which holds the lock.

        Raises ComposerError when the disk does not take it.
        """
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **told}
        raw = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            with self.log_path.open("a+b") as file:
                if file.seek(0, os.SEEK_END) and not _ends_in_newline(self.log_path):
                    raw = b"\n" + raw  # a kill cut the last line short
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ComposerError(f"{self.log_path}: cannot be written: {error.strerror}") from error
        return line

    def read_cast(self) -> dict[str, str]:
        """The voice sheet. Raises SceneInvalid when it is no table of character = "voice"."""
        if not self.cast_path.exists():
            return {}
        try:
            data = tomllib.loads(self.cast_path.read_bytes().decode("utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SceneInvalid(f"{self.cast_path}: cannot be read: {error}") from error
        for character, voice in data.items():
            if not isinstance(voice, str):
                raise SceneInvalid(f'{self.cast_path}: {character}: write the name of a voice, as Ann = "af_heart"')
        return data

    def write_cast(self, cast: Mapping[str, str]) -> None:
        import tomlkit

        write_atomically(self.cast_path, tomlkit.dumps(dict(cast)))


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
