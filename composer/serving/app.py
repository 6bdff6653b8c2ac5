"""The application: routes, middleware, errors as problems, and the OpenAPI description."""

from __future__ import annotations

import logging
import math
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from composer.errors import ComposerError
from composer.faults import Fault
from composer.serving import download_routes, job_routes, row_routes, scene_routes
from composer.serving.limits import Bounded
from composer.serving.problems import MEDIA_TYPE, Problem, Refused, make_problem, problem_of
from composer.serving.security import Guarded
from composer.serving.service import Served, Service, answer, problems
from composer.serving.shapes import About, EngineList, EngineTold
from models.engines import REGISTRY, engine_names, engine_readiness
from models.errors import ModelError

about = APIRouter(tags=["service"])
DESCRIPTION = (
    "Scenes of one folder: plan, edit, check, render, download. Errors are RFC 9457 problems whose `faults` name row "
    "and column. A change of a table or of settings sends If-Match with the ETag that was read: 412 tells that "
    "somebody else was quicker."
)


@about.get("/about", response_model=About, responses=problems())
def look_at_service(service: Served) -> Response:
    """Version and limits."""
    limits = {name: getattr(service.limits, name) for name in About.model_fields if name != "version"}
    return answer(About(version=version("talescape"), **limits))


@about.get("/engines", response_model=EngineList, responses=problems())
def list_engines(service: Served) -> Response:
    """Every engine: ready, or what it lacks and how to get it."""
    told = []
    with service.thinking():
        for kind in REGISTRY:
            for name in engine_names(kind):
                found = engine_readiness(kind, name)
                told.append(EngineTold(name=name, kind=kind, ready=found.ready, needs=found.needs))
    return answer(EngineList(engines=told))


PREFIX = "/v1"
ROUTERS = (scene_routes.router, row_routes.router, job_routes.router, download_routes.router, about)


def make_app(service: Service, *, host: str = "127.0.0.1", token: str | None = None) -> FastAPI:
    """The ASGI application of a service. Documentation pages are not served: they would ask others for their code."""
    app = FastAPI(
        title="Talescape",
        version=version("talescape"),
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.add_middleware(Bounded, limits=service.limits)
    app.add_middleware(Guarded, host=host, token=token)
    for kind in (ComposerError, ModelError, OSError, Exception):
        app.add_exception_handler(kind, _on_error)
    app.add_exception_handler(RequestValidationError, _on_misfit)
    app.add_exception_handler(HTTPException, _on_http_error)
    _describe(app, with_token=token is not None)
    return app


def _problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    return Response(problem.model_dump_json(), problem.status, headers, MEDIA_TYPE)


async def _on_error(request: Request, error: Exception) -> Response:
    service: Service = request.app.state.service
    if isinstance(error, FileNotFoundError) and "name" in request.path_params:
        try:
            service.places.scene(request.path_params["name"])
        except Refused as refused:  # it was deleted meanwhile
            error = refused
    problem = problem_of(error, service.places.root)
    if problem.status == 500:
        logging.getLogger("uvicorn.error").error("%s %s", request.method, request.url.path, exc_info=error)
    return _problem_response(problem, error.headers if isinstance(error, Refused) else None)


async def _on_misfit(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = error.errors()
    if any(each["type"] == "json_invalid" for each in told):
        return _problem_response(make_problem(400, "no-json", "the body is no JSON"))
    if any(each["loc"] == ("body",) for each in told) and not _is_json(request):
        message = "the body is not said to be JSON; send it with Content-Type: application/json"
        return _problem_response(make_problem(422, "request-invalid", message, [Fault("", "body", message)]))
    faults = [Fault("", ".".join(map(str, each["loc"])), str(each["msg"])) for each in told]
    first = f"{faults[0].column}: {faults[0].message}" if faults else "it does not fit"
    return _problem_response(make_problem(422, "request-invalid", f"the request cannot be used: {first}", faults))


def _is_json(request: Request) -> bool:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind.startswith("application/") and kind.endswith(("/json", "+json"))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    kind, detail = "http", str(error.detail)
    if error.status_code == 404:
        kind = "no-route"
        detail = f"there is nothing at {request.url.path[:200]}; GET /v1/openapi.json describes it all"
    elif error.status_code == 405:
        headers["Allow"] = ", ".join(_methods_at(request))
        kind, detail = "no-method", f"{request.method} is not possible here; these are: {headers['Allow']}"
    return _problem_response(make_problem(error.status_code, kind, detail), headers)


def _methods_at(request: Request) -> list[str]:
    """Every method that some route has for the request's path."""
    path = request.url.path.removeprefix(PREFIX)
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return sorted({method for route in routes if route.path_regex.match(path) for method in route.methods or ()})


def _describe(app: FastAPI, *, with_token: bool) -> None:
    """Makes the description say what is so: problems have their own media type, and a token may be needed."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        schema = plain()
        for path in schema["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if status >= "400":
                        response["content"].pop("application/json", None)
                if with_token:
                    operation["responses"]["401"] = operation["responses"]["403"]
        for name, model in schema["components"]["schemas"].items():
            schema["components"]["schemas"][name] = _exact(model)
        if with_token:
            bearer = {"type": "http", "scheme": "bearer"}
            schema["components"]["securitySchemes"] = {"token": bearer}
            schema["security"] = [{"token": []}]
        return schema

    app.openapi = described  # type: ignore[method-assign]


def _exact(model: dict[str, Any]) -> dict[str, Any]:
    """A model's schema with two things that are lost on the way: large whole numbers, and that edits need their op."""
    properties = {name: dict(told) for name, told in model.get("properties", {}).items()}
    for told in properties.values():
        if told.get("exclusiveMaximum", 0) >= 2**53:
            told["exclusiveMaximum"] = 2 ** round(math.log2(told["exclusiveMaximum"]))
    required = sorted({*model.get("required", ()), *({"op"} & properties.keys())})
    return {
        **model,
        **({"properties": properties} if properties else {}),
        **({"required": required} if required else {}),
    }
