"""Fixtures for all rooms."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def toy_engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Only toy engines make sound, and nothing is cleaned; gives the list of what they are asked to make."""
    import toys

    from composer import orders
    from models import engines

    sounds = {"toy-sounds": "toys:ToySounds"}
    registry = {"speech": {"toy-speech": "toys:ToySpeech"}, "music": sounds, "sound_effect": sounds}
    registry["separator"] = engines.REGISTRY["separator"]
    monkeypatch.setattr("composer.cleaning.checkpoint_version", lambda: None)
    monkeypatch.setattr(engines, "REGISTRY", registry)
    for cached in (engines.speech_engine, engines.sound_engine, orders._is_ready):
        cached.cache_clear()
    toys.made.clear()
    yield toys.made
    for cached in (engines.speech_engine, engines.sound_engine, orders._is_ready):
        cached.cache_clear()
