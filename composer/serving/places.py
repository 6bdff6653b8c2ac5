"""The served folder: names become scenes in it and nothing outside of it; who changes a scene holds it meanwhile."""

from __future__ import annotations

import secrets
import shutil
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from composer.batches.specs import name_fault
from composer.errors import SceneBusy
from composer.faults import Fault
from composer.scene import Scene
from composer.script import Script
from composer.serving.problems import Refused

DELETED = ".deleted-"
"""A scene that is being deleted has this before its name: it is gone at once, its files soon after."""
HELD_S = 30.0


class Places:
    """The scenes of one folder."""

    def __init__(self, root: Path) -> None:
        """Makes the folder where there is none. Raises OSError when that cannot be."""
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        for leftover in self.root.glob(f"{DELETED}*"):
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)

    def names(self) -> list[str]:
        """The scenes that there are, in order of their names."""
        return sorted(path.name for path in self.root.iterdir() if self._is_scene(path))

    def scene(self, name: str) -> Scene:
        """Raises Refused (404) for what is no scene here: unknown names, paths, links."""
        path = self._folder(_folder_name(name, status=404))
        if not self._is_scene(path):
            raise Refused(404, "no-scene", f"there is no scene {name[:80]!r} here; GET /v1/scenes lists them")
        scene = Scene(path)
        _refuse_links(scene)
        return scene

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """One change of a scene's table and settings at a time."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        if not lock.acquire(timeout=HELD_S):
            raise Refused(409, "scene-busy", f"{name}: is being changed by another request; ask again in a moment")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def new(self, name: str) -> Iterator[Scene]:
        """A new folder, held until its table is there; it goes again when the work in it fails.

        Raises Refused (409) when there is a scene of this name, or another request makes one.
        """
        scene = Scene(self._folder(_folder_name(name, status=422)))
        there = Refused(
            409, "scene-exists", f"there is a scene {name!r} already; replace its table, delete it, or choose a name"
        )
        if scene.folder.is_symlink() or (scene.folder.exists() and not scene.folder.is_dir()):
            raise Refused(409, "name-taken", f"{name!r} is something else in the served folder; choose another name")
        made = not scene.folder.exists()
        scene.folder.mkdir(exist_ok=True)
        _refuse_links(scene)
        try:
            with scene.locked():
                if scene.script_path.exists():
                    raise there
                yield scene
        except SceneBusy:
            raise there from None
        except BaseException:
            if made and not scene.script_path.exists():
                shutil.rmtree(scene.folder, ignore_errors=True)
            raise

    def delete(self, scene: Scene) -> None:
        """Raises SceneBusy when it is being rendered."""
        with scene.locked():
            pass  # nobody renders it
        gone = self.root / f"{DELETED}{scene.folder.name}-{secrets.token_hex(4)}"
        scene.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _folder(self, name: str) -> Path:
        """The folder of a composed name; one that came from a Mac may have its accents apart."""
        path = self.root / name
        if name.isascii() or path.exists():
            return path
        alike = (each for each in self.root.iterdir() if unicodedata.normalize("NFC", each.name) == name)
        return next(alike, path)

    def _is_scene(self, path: Path) -> bool:
        return (
            name_fault(path.name) is None
            and not path.is_symlink()
            and path.is_dir()
            and (path / Scene(path).script_path.name).is_file()
        )


def _folder_name(name: str, *, status: int) -> str:
    fault = name_fault(name)
    if fault is not None:
        raise Refused(status, "name-unusable", f"the name {fault}")
    return unicodedata.normalize("NFC", name)


def _refuse_links(scene: Scene) -> None:
    """A link could lead out of the served folder: what is read and written here is the scene's own."""
    own = (
        scene.settings_path, scene.script_path, scene.plan_dir, scene.clips_dir, scene.stems_dir,
        scene.mix_path, scene.manifest_path, scene.export_dir,
    )  # fmt: skip
    for path in (scene.folder, *own):
        if path.is_symlink():
            told = path.relative_to(scene.folder.parent).as_posix()
            raise Refused(404, "no-scene", f"{told} is a link; links are not served, put the file itself there")


def table_now(scene: Scene) -> tuple[Script, list[Fault], str]:
    """The table, its repairs and warnings, and its mark; all three of one moment. Raises ScriptInvalid."""
    for _ in range(5):
        before = scene.table_hash()
        script, faults = scene.read_script()
        if scene.table_hash() == before:
            return script, faults, before
    raise Refused(409, "scene-busy", f"{scene.folder.name}: its table is being written; ask again in a moment")


def etag(mark: str) -> str:
    return f'"{mark[:32]}"'


def require_match(if_match: str | None, mark: str) -> None:
    """Raises Refused: 428 when the client does not say which version it changes, 412 when that is an old one."""
    if if_match is None:
        raise Refused(
            428, "which-version", "say which version you change: If-Match with the ETag that you read (or * for any)"
        )
    given = {each.strip().removeprefix("W/") for each in if_match.split(",")}
    if "*" not in given and etag(mark) not in given:
        raise Refused(
            412,
            "stale",
            "it was changed since you read it; read it again and repeat your change",
            headers={"ETag": etag(mark)},
        )
