"""Batches as people run them, with toy engines: manifests, the program, and what is true of a folder at any moment."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import soundfile
from toys import installed_toys

HOUSE = Path(__file__).parent.parent.parent
ENGINES = {"speech": "toy-speech", "music": "toy-music", "sound_effect": "toy-sound_effect"}


class Place:
    """A folder with toys, manifests and a log of what the toys were asked to make."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "asked.txt"
        self.log.touch()
        toys = installed_toys(folder / "toys").variables
        self.environment = {**toys, "TOY_LOG": str(self.log), "OMP_NUM_THREADS": "1"}

    def manifest(self, scenes: dict[str, Sequence[str]], **more: object) -> Path:
        """Scenes whose characters say these lines, in turns; every scene also has a door of its own loudness."""
        lines = []
        for number, (name, words) in enumerate(scenes.items()):
            table = self.folder / f"{name}.json"
            rows: list[dict[str, object]] = [
                {"type": "speech", "character": ("Ann", "Bob")[turn % 2], "description": line}
                for turn, line in enumerate(words)
            ]
            rows.append({"type": "sound_effect", "description": "a door", "volume": -20 - number % 20})
            table.write_text(json.dumps(rows))
            lines.append(json.dumps({"name": name, "table": table.name, "engines": ENGINES, **more}))
        path = self.folder / "scenes.jsonl"
        path.write_text("\n".join(lines) + "\n")
        return path

    def start(self, manifest: Path, *flags: str, **options: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "cli", "batch", str(manifest), *flags]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=pipe, text=True, **options)  # type: ignore[call-overload,no-any-return]

    def run(self, manifest: Path, *flags: str, code: int = 0, **options: object) -> dict[str, object]:
        process = self.start(manifest, *flags, "--json", **options)
        out, told = process.communicate(timeout=300)
        assert process.returncode == code, told
        return json.loads(out) if out else {"told": told}  # type: ignore[no-any-return]

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines()


def sounds(batch: Path) -> dict[str, str]:
    """The content of every sound of every scene and of the store, by its place."""
    return {
        path.relative_to(batch).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in batch.rglob("*.wav")
    }


def assert_nothing_is_corrupt(batch: Path) -> None:
    """Every sound under its final name is whole; every receipt can be read; the log is lines of JSON but its last."""
    for path in batch.rglob("*.wav"):
        with soundfile.SoundFile(path) as file:
            frame_bytes = {"FLOAT": 4, "PCM_24": 3}[file.subtype] * file.channels
            assert file.frames * frame_bytes <= path.stat().st_size, path
    for path in batch.rglob("*.json"):
        json.loads(path.read_text("utf-8"))
    log = batch / "batch.jsonl"
    if log.exists():
        for line in log.read_bytes().split(b"\n")[:-1]:
            json.loads(line)


def children(pid: int) -> list[int]:
    """The worker processes of a batch; the resource tracker is none."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                status = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                words = Path(entry.path, "cmdline").read_bytes()
            except OSError:
                continue
            if int(status[1]) == pid and b"spawn_main" in words and b"resource_tracker" not in words:
                found.append(int(entry.name))
    return sorted(found)
