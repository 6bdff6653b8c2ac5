"""Routes of renders: begin one, follow it by server-sent events, look at it, cancel it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from composer.serving.jobs import Job
from composer.serving.limits import refuse_too_long, refuse_too_many_rows
from composer.serving.places import table_now
from composer.serving.problems import Refused
from composer.serving.service import SceneName, Served, answer, problems
from composer.serving.shapes import ENDED, JobList, JobTold, NewJob

router = APIRouter(tags=["jobs"])
JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="A job's id.")]
TICK_S = 0.1
HEARTBEAT_S = 15.0
"""A comment is sent when nothing has happened for so long, so that nobody between takes the line for dead."""


@router.post("/scenes/{name}/jobs", status_code=202, response_model=JobTold, responses=problems(404, 409, 429))
def begin_render(service: Served, name: SceneName, wanted: NewJob | None = None) -> Response:
    """Render what changed, and mix, beside the service. 409 while the scene is rendered, here or by another program."""
    asked = wanted or NewJob()
    with service.scene(name) as scene:
        script, _, _ = table_now(scene)
        refuse_too_many_rows(len(script.rows), service.limits)
        refuse_too_long(script, service.limits)
        unknown = sorted(set(asked.only) - {row.row for row in script.sounding()})
        if unknown:
            sounding = ", ".join(row.row for row in script.sounding()[:50])
            detail = f"only: no such row: {', '.join(unknown[:20])}; rows that sound: {sounding}"
            raise Refused(422, "no-row", detail)
        if service.jobs.active(scene.folder.name) is None:
            with scene.locked():
                pass  # nobody renders it
        job = service.jobs.submit(scene.folder.name, only=tuple(asked.only), fresh=asked.fresh)
    return answer(job.told(), status=202, headers={"Location": f"/v1/jobs/{job.id}"})


@router.get("/jobs", response_model=JobList, responses=problems())
def list_jobs(
    service: Served,
    scene: Annotated[str | None, Query(max_length=80, description="Those of this scene alone.")] = None,
) -> Response:
    """The jobs that wait and run, and the last that ended, in the order in which they came."""
    return answer(JobList(jobs=[job.told() for job in service.jobs.all() if scene in (None, job.scene)]))


@router.get("/jobs/{job_id}", response_model=JobTold, responses=problems(404))
def look_at_job(service: Served, job_id: JobId) -> Response:
    """How far a job is, and what became of it."""
    return answer(service.jobs.find(job_id).told())


@router.post("/jobs/{job_id}/cancel", status_code=202, response_model=JobTold, responses=problems(404))
def cancel_job(
    service: Served,
    job_id: JobId,
    now: Annotated[bool, Query(description="At once, instead of after the clip in hand.")] = False,
) -> Response:
    """End a job. The clips that were made are kept; a job that has ended stays as it is."""
    job = service.jobs.find(job_id)
    service.jobs.cancel(job, now=now)
    return answer(job.told(), status=202)


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **problems(404),
    },
)
async def follow_job(
    service: Served,
    job_id: JobId,
    last_event_id: Annotated[str | None, Header(max_length=40, description="The last event that is known.")] = None,
) -> StreamingResponse:
    """Server-sent events from the first on: running, planned, row_done, row_failed, mixing, and the state it ends in.

    Their data are JSON; that of the last is the job.
    """
    known = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else 0
    events = _events(service.jobs.find(job_id), known)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _events(job: Job, known: int) -> AsyncIterator[str]:
    sent, quiet_s = known, 0.0
    while True:
        while sent < len(job.events):
            name, data = job.events[sent]
            sent, quiet_s = sent + 1, 0.0
            yield f"id: {sent}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
            if name in ENDED:
                return
        if job.events and job.events[-1][0] in ENDED:  # the client knows more than there is
            return
        await asyncio.sleep(TICK_S)
        quiet_s += TICK_S
        if quiet_s >= HEARTBEAT_S:
            quiet_s = 0.0
            yield ": still here\n\n"
