"""Service: what every route works with, and how every route answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Header, Path, Request, Response
from pydantic import BaseModel

from composer.faults import Fault
from composer.scene import Scene
from composer.script import Script
from composer.serving.jobs import Jobs
from composer.serving.limits import Limits
from composer.serving.places import Places, etag
from composer.serving.problems import MEDIA_TYPE, Problem, Refused
from composer.serving.shapes import Table

if TYPE_CHECKING:
    from composer.writers import Writer


@dataclass
class Service:
    places: Places
    jobs: Jobs
    limits: Limits
    writer: Writer | None = None
    """The language model that plans and revises; None: rules do."""
    _thinkers: threading.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._thinkers = threading.Semaphore(self.limits.n_thinking)

    @contextmanager
    def thinking(self) -> Iterator[None]:
        """Holds one of the few places for long work. Raises Refused (503) when none comes free in time."""
        if not self._thinkers.acquire(timeout=self.limits.thinking_wait_s):
            detail = f"{self.limits.n_thinking} requests plan, check, edit or export, which is the most; ask again soon"
            raise Refused(503, "busy", detail, headers={"Retry-After": "10"})
        try:
            yield
        finally:
            self._thinkers.release()

    @contextmanager
    def scene(self, name: str) -> Iterator[Scene]:
        """The scene, held for as long as its table or settings are looked at or changed."""
        scene = self.places.scene(name)
        with self.places.held(scene.folder.name):
            yield scene


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(service_of)]
SceneName = Annotated[str, Path(min_length=1, max_length=80, description="A scene's name: that of its folder.")]
IfMatch = Annotated[
    str | None, Header(description="The ETag of the version that is changed; * for any.", max_length=1000)
]
IfNoneMatch = Annotated[str | None, Header(description="The ETag of the version that is known.", max_length=1000)]

Responses = dict[int | str, dict[str, Any]]
_COMMON = (400, 403, 408, 413, 421, 422, 500, 503)


def problems(*statuses: int) -> Responses:
    """The problems that a route may answer with, beside those of all routes, for its description."""
    told = {
        "model": Problem,
        "description": "A problem",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return {status: dict(told) for status in sorted({*_COMMON, *statuses})}


def answer(
    model: BaseModel, *, status: int = 200, mark: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A model as JSON, made here in the thread of the route and not in the loop that all requests share."""
    more = {"ETag": etag(mark)} if mark is not None else {}
    return Response(
        model.model_dump_json(),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-cache", **more, **(headers or {})},
    )


def table_answer(script: Script, faults: list[Fault], mark: str, *, status: int = 200) -> Response:
    return answer(Table(rows=list(script.rows), faults=faults), status=status, mark=mark)


def is_known(if_none_match: str | None, mark: str) -> bool:
    """Whether the client has this version already: the answer is 304."""
    return if_none_match is not None and etag(mark) in {each.strip() for each in if_none_match.split(",")}


def not_modified(mark: str) -> Response:
    return Response(status_code=304, headers={"ETag": etag(mark)})
