"""The whole OpenAPI description against the running service: nothing that a client sends makes it fail or lie.

Schemathesis makes requests that fit the description and ones that do not, and holds every answer to it: its status, its
media type, its shape; and no answer may be a 5xx.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from served import ENDED, Served
from toys import Toys

from composer.serving.app import make_app
from composer.serving.jobs import Jobs
from composer.serving.limits import Limits
from composer.serving.places import Places
from composer.serving.service import Service

DESCRIBED = make_app(Service(cast(Places, None), cast(Jobs, None), Limits())).openapi()
MORE_THAN_SHAPES = [positive_data_acceptance]
"""A table that fits the description can be faulty still: an end without a begin."""
MORE_THAN_EXACT = [*MORE_THAN_SHAPES, negative_data_rejection]
"""Settings are read as scene.toml is: "3" is a number."""
BOUNDED = settings(max_examples=3, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck])

anywhere = schemathesis.openapi.from_dict(DESCRIBED)
there = {"path.name": "fuzzed", "path.row": "r01", "header.if-match": "*"}
in_a_scene = schemathesis.openapi.from_dict(
    DESCRIBED, config=schemathesis.Config.from_dict({"parameters": there})
).include(path_regex="/scenes/{name}")


@pytest.fixture(autouse=True)
def scene(served: Served, toys: Toys) -> Iterator[None]:
    """There is a scene, whatever the last test did to it."""
    for job in served.client.get("/jobs").json()["jobs"]:
        if job["state"] not in ENDED:
            served.client.post(f"/jobs/{job['id']}/cancel")
            served.wait_for(job["id"])
    served.client.delete("/scenes/fuzzed")
    served.make("fuzzed", toys=toys)
    yield


@anywhere.parametrize()
@BOUNDED
def test_every_answer_is_as_described(case: schemathesis.Case, served: Served) -> None:
    case.call_and_validate(base_url=served.url.removesuffix("/v1"), timeout=60, excluded_checks=MORE_THAN_SHAPES)


@in_a_scene.parametrize()
@BOUNDED
def test_every_answer_of_a_scene_is_as_described(case: schemathesis.Case, served: Served) -> None:
    case.call_and_validate(base_url=served.url.removesuffix("/v1"), timeout=60, excluded_checks=MORE_THAN_EXACT)
