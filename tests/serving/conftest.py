"""One service for all tests that only ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from served import Served, start
from toys import Toys, installed_toys


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Toys:
    return installed_toys(tmp_path_factory.mktemp("toys"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, toys: Toys) -> Iterator[Served]:
    """The program with toy engines, on a folder that nothing else uses. Each test has scenes of its own names."""
    running = start(tmp_path_factory.mktemp("served") / "scenes", variables=toys.variables)
    try:
        yield running
    finally:
        running.end()
