"""Routes of whole scenes: list, make, look at, check, price, settings, wishes, delete."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from composer.brief import Brief
from composer.drafting import draft
from composer.errors import ComposerError, ScriptInvalid
from composer.render import check, plan_render
from composer.revise import propose
from composer.scene import Scene
from composer.script import read_rows
from composer.serving.limits import refuse_too_many_rows
from composer.serving.places import require_match
from composer.serving.problems import Refused
from composer.serving.service import (
    IfMatch,
    IfNoneMatch,
    SceneName,
    Served,
    Service,
    answer,
    is_known,
    not_modified,
    problems,
)
from composer.serving.shapes import Checked, Foreseen, NewScene, Proposed, RowKey, SceneList, SceneTold, Wish
from composer.settings import Settings

router = APIRouter(tags=["scenes"])
UNREADABLE = "(scene.toml cannot be read)"


def told_of(service: Service, scene: Scene) -> SceneTold:
    try:
        title = scene.read_settings().title
    except ComposerError:
        title = UNREADABLE
    job = service.jobs.active(scene.folder.name)
    return SceneTold(
        name=scene.folder.name,
        title=title,
        rendered=scene.manifest_path.is_file() and scene.mix_path.is_file(),
        modified=datetime.fromtimestamp(scene.script_path.stat().st_mtime, UTC),
        job=job.id if job else None,
    )


@router.get("/scenes", response_model=SceneList, responses=problems())
def list_scenes(
    service: Served,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=80, description="The name before the first that is listed.")] = "",
) -> Response:
    """The scenes in order of their names, some at a time."""
    names = [name for name in service.places.names() if name > after]
    told = []
    for name in names[:limit]:
        try:
            told.append(told_of(service, service.places.scene(name)))
        except (Refused, FileNotFoundError):  # it was deleted meanwhile
            continue
    return answer(SceneList(scenes=told, next=names[limit - 1] if len(names) > limit else None))


@router.post("/scenes", status_code=201, response_model=SceneTold, responses=problems(409, 502, 507))
def make_scene(service: Served, wanted: NewScene) -> Response:
    """Plan a scene from a prompt, a story or a screenplay, or make one from rows."""
    _refuse_too_many_words(service, wanted)
    with service.thinking(), service.places.new(wanted.name) as scene:
        if wanted.rows is not None:
            _write_rows(service, scene, wanted)
        else:
            brief = Brief(wanted.prompt or "", wanted.story or "", wanted.fountain or "", seed=wanted.seed)
            by_rules = wanted.offline or bool(wanted.fountain)
            try:
                drafted = draft(scene, brief, None if by_rules else service.writer)
                refuse_too_many_rows(len(drafted.script.rows), service.limits)
            except Refused:
                scene.script_path.unlink(missing_ok=True)
                raise
    place = {"Location": f"/v1/scenes/{quote(scene.folder.name)}"}
    return answer(told_of(service, scene), status=201, headers=place)


def _refuse_too_many_words(service: Service, wanted: NewScene) -> None:
    limits = service.limits
    most = {"prompt": limits.max_prompt_chars, "story": limits.max_story_chars, "fountain": limits.max_story_chars}
    for name, n_most in most.items():
        n_given = len(getattr(wanted, name) or "")
        if n_given > n_most:
            detail = f"the {name} has {n_given:,} characters, this service takes {n_most:,}; shorten or split it"
            raise Refused(422, "too-many-words", detail)
        if getattr(wanted, name) is not None and not getattr(wanted, name).strip():
            raise Refused(422, "words-unusable", f"the {name} is empty; say what should be heard")


def _write_rows(service: Service, scene: Scene, wanted: NewScene) -> None:
    raw = [row.raw() for row in wanted.rows or ()]
    refuse_too_many_rows(len(raw), service.limits)
    script, faults = read_rows(raw)
    if script is None:
        raise ScriptInvalid(faults)
    scene.write_settings(Settings(title=wanted.title or scene.folder.name, seed=wanted.seed))
    scene.write_script(script)


@router.get("/scenes/{name}", response_model=SceneTold, responses=problems(404))
def look_at_scene(service: Served, name: SceneName) -> Response:
    """What a scene is, whether it has a mix, and which job renders it."""
    return answer(told_of(service, service.places.scene(name)))


@router.delete("/scenes/{name}", status_code=204, response_class=Response, responses=problems(404, 409))
def delete_scene(service: Served, name: SceneName) -> Response:
    """Delete a scene with its table, clips, mix and exports."""
    with service.scene(name) as scene:
        _refuse_while_rendered(service, scene)
        service.places.delete(scene)
    return Response(status_code=204)


@router.get("/scenes/{name}/check", response_model=Checked, responses=problems(404, 409))
def check_scene(service: Served, name: SceneName) -> Response:
    """Every fault: of the table, of voices, engines and files."""
    with service.thinking(), service.scene(name) as scene:
        n_rows, faults = check(scene)
    return answer(Checked(rows=n_rows, faults=faults))


@router.get("/scenes/{name}/plan", response_model=Foreseen, responses=problems(404, 409))
def price_scene(
    service: Served,
    name: SceneName,
    only: Annotated[list[RowKey], Query(max_length=1000)] = [],  # noqa: B006  (FastAPI copies it)
    fresh: bool = False,
) -> Response:
    """What a render would make, and what it would take; nothing is made."""
    with service.thinking(), service.scene(name) as scene:
        planned = plan_render(scene, only=only, fresh=fresh)
    return answer(Foreseen(**planned.__dict__))


@router.get("/scenes/{name}/settings", response_model=Settings, responses={304: {}, **problems(404)})
def read_settings(service: Served, name: SceneName, if_none_match: IfNoneMatch = None) -> Response:
    """What scene.toml says: title, seed, cast, engines, mix, sections."""
    with service.scene(name) as scene:
        mark, settings = settings_mark(scene), scene.read_settings()
    return not_modified(mark) if is_known(if_none_match, mark) else answer(settings, mark=mark)


@router.put("/scenes/{name}/settings", response_model=Settings, responses=problems(404, 409, 412, 428, 507))
def replace_settings(service: Served, name: SceneName, settings: Settings, if_match: IfMatch = None) -> Response:
    """Replace them all; what is left out is at its default. Not while the scene is rendered: that casts voices."""
    with service.scene(name) as scene:
        _refuse_while_rendered(service, scene)
        with scene.locked():
            require_match(if_match, settings_mark(scene))
            scene.write_settings(settings)
        return answer(scene.read_settings(), mark=settings_mark(scene))


@router.post("/scenes/{name}/revise", response_model=Proposed, responses=problems(404, 409, 502))
def propose_edits(service: Served, name: SceneName, wish: Wish) -> Response:
    """Edits for a wish in words, and what they would change; nothing is written."""
    with service.thinking():
        scene = service.places.scene(name)
        found = propose(scene.folder, wish.words, None if wish.offline else service.writer)
    told = Proposed(
        edits=found.edits, diff=found.diff.as_json(), cannot=found.cannot, remarks=found.remarks, faults=found.faults
    )
    return answer(told)


def settings_mark(scene: Scene) -> str:
    """What scene.toml says now, as a number."""
    written = scene.settings_path.read_bytes() if scene.settings_path.is_file() else b""
    return hashlib.sha256(written).hexdigest()


def _refuse_while_rendered(service: Service, scene: Scene) -> None:
    job = service.jobs.active(scene.folder.name)
    if job is not None:
        detail = f"{scene.folder.name}: is being rendered by job {job.id}; wait for it or cancel it first"
        raise Refused(409, "scene-busy", detail)
