"""Routes of what a render made: mix, stems, clips, manifest, and exports in every format."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from composer.errors import SceneInvalid
from composer.exports.export import export_scene
from composer.exports.receipt import SceneReceipt, read_receipt
from composer.files import UNFINISHED
from composer.scene import Scene
from composer.serving.problems import Refused
from composer.serving.row_routes import KeyPath
from composer.serving.service import Responses, SceneName, Served, answer, problems
from composer.serving.shapes import Exported, ExportList, NewExports

router = APIRouter(tags=["downloads"])
SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
"""A browser that opens a download runs nothing of it."""


def _file_of(media_type: str) -> Responses:
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": "The file", "content": content}, **problems(404, 409)}


def _send(path: Path, media_type: str, name: str) -> FileResponse:
    """A file of a scene, whole or in ranges. Raises Refused (404) for links and for what is no file."""
    if path.is_symlink() or not path.is_file():
        raise Refused(404, "no-file", f"{name}: is not there")
    return FileResponse(path, media_type=media_type, filename=name, headers={"Cache-Control": "no-cache", **SAFE})


def _rendered(scene: Scene) -> SceneReceipt:
    if not (scene.mix_path.is_file() and scene.manifest_path.is_file()):
        name = scene.folder.name
        raise Refused(409, "not-rendered", f"{name}: has no finished mix; render it: POST /v1/scenes/{name}/jobs")
    return read_receipt(scene)


@router.get("/scenes/{name}/mix", response_class=FileResponse, responses=_file_of("audio/wav"))
def fetch_mix(service: Served, name: SceneName) -> FileResponse:
    """The mix as WAV."""
    scene = service.places.scene(name)
    _rendered(scene)
    return _send(scene.mix_path, "audio/wav", f"{scene.folder.name}.wav")


@router.get("/scenes/{name}/stems/{bus}", response_class=FileResponse, responses=_file_of("audio/wav"))
def fetch_stem(service: Served, name: SceneName, bus: Literal["speech", "music", "effects"]) -> FileResponse:
    """One of the stems that sum to the mix."""
    scene = service.places.scene(name)
    _rendered(scene)
    return _send(scene.stems_dir / f"{bus}.wav", "audio/wav", f"{scene.folder.name} {bus}.wav")


@router.get("/scenes/{name}/rows/{row}/clip", response_class=FileResponse, responses=_file_of("audio/wav"))
def fetch_clip(service: Served, name: SceneName, row: KeyPath) -> FileResponse:
    """The clip of a row as the mix plays it, before its gain."""
    scene = service.places.scene(name)
    clips = {each.row: each.clip for each in _rendered(scene).rows}
    if row not in clips:
        shown = ", ".join(list(clips)[:50])
        raise Refused(404, "no-clip", f"row {row!r} is not in the mix; these are: {shown}")
    try:
        path = scene.own_file(clips[row])
    except SceneInvalid as error:
        raise Refused(404, "no-file", str(error)) from error
    if path != scene.folder / clips[row]:
        raise Refused(404, "no-file", f"row {row!r}: its clip is a link; links are not served")
    return _send(path, "audio/wav", f"{scene.folder.name} {row}.wav")


@router.get(
    "/scenes/{name}/manifest",
    response_class=FileResponse,
    responses={
        200: {"description": "The receipt", "content": {"application/json": {"schema": {"type": "object"}}}},
        **problems(404, 409),
    },
)
def fetch_manifest(service: Served, name: SceneName) -> FileResponse:
    """The receipt of the mix: every number that made it, with the licence and source of every asset."""
    scene = service.places.scene(name)
    _rendered(scene)
    return _send(scene.manifest_path, "application/json", "manifest.json")


@router.post("/scenes/{name}/exports", status_code=201, response_model=ExportList, responses=problems(404, 409, 507))
def make_exports(service: Served, name: SceneName, wanted: NewExports) -> Response:
    """Hand the scene over in some formats; gives their files, a folder's one by one."""
    with service.thinking(), service.scene(name) as scene:
        _rendered(scene)
        paths = export_scene(scene, wanted.formats)
    return answer(ExportList(files=list(_told(scene, paths))), status=201)


@router.get("/scenes/{name}/exports", response_model=ExportList, responses=problems(404))
def list_exports(service: Served, name: SceneName) -> Response:
    """The files of all exports that were made."""
    scene = service.places.scene(name)
    there = sorted(scene.export_dir.iterdir()) if scene.export_dir.is_dir() else []
    return answer(ExportList(files=list(_told(scene, there))))


@router.get(
    "/scenes/{name}/exports/{file:path}",
    response_class=FileResponse,
    responses=_file_of("application/octet-stream"),
)
def fetch_export(
    service: Served,
    name: SceneName,
    file: Annotated[str, InPath(max_length=400, description="A file, as the list of exports names it.")],
) -> FileResponse:
    """One file of the exports."""
    scene = service.places.scene(name)
    path = _export_at(scene, file)
    return _send(path, mimetypes.guess_type(path.name)[0] or "application/octet-stream", path.name)


def _told(scene: Scene, paths: list[Path]) -> Iterator[Exported]:
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else [path]:
            if file.is_file() and not file.is_symlink() and UNFINISHED not in file.name:
                yield Exported(file=file.relative_to(scene.export_dir).as_posix(), size=file.stat().st_size)


def _export_at(scene: Scene, file: str) -> Path:
    """A file below the export folder, by its plain path; nothing that leads out of it, and no link on the way."""
    unknown = Refused(404, "no-file", f"{file[:80]!r} is none of the exports; GET …/exports lists them")
    parts = PurePosixPath(file).parts
    if not parts or any(part.startswith((".", "/")) or "\\" in part or "\0" in part for part in parts):
        raise unknown
    path = scene.export_dir
    try:
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise unknown
        if not path.is_file() or path.name.endswith(UNFINISHED):
            raise unknown
    except OSError as error:  # a name that is too long for the disk
        raise unknown from error
    return path
