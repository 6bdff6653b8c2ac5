"""Cleaning decides by what was found: with a toy separator that keeps the low half of the spectrum for "hum"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from composer.cleaning import clean, cleaning_version
from composer.render import Finished, render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import CleanMode, Settings
from models import engines
from models.clip import Clip, write_clip
from models.clipsep.streaming import Part, Recording
from models.engines import SoundQuery
from models.errors import EngineUnavailable

RATE = 16_000


class ToySeparation:
    def __init__(self, query: SoundQuery) -> None:
        self._query = query

    def parts(self, blocks: Iterable[NDArray[Any]], **options: object) -> Iterator[Part]:
        for block in blocks:
            spectrum = np.fft.rfft(block, axis=1)
            keep = np.arange(spectrum.shape[1]) * RATE / block.shape[1] < 1000.0
            share = {"hum": 1.0, "nothing": 0.0}.get(self._query.text, 0.5)
            low = np.fft.irfft(spectrum * keep * share, block.shape[1], axis=1).astype(np.float32)
            yield Part(0, block, low[np.newaxis])

    def confidences(self) -> list[float]:
        return [0.1 if "unsure" in self._query.text else 0.9]


class ToySeparator:
    version: ClassVar[str] = "3"
    licence: ClassVar[str] = "test"

    def begin(self, recording: Recording, queries: Sequence[SoundQuery], *, level_rms: float) -> ToySeparation:
        assert level_rms > 0.0 and recording.sample_rate == RATE
        return ToySeparation(queries[0])


@pytest.fixture(autouse=True)
def toy_separator(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(engines, "REGISTRY", {**engines.REGISTRY, "separator": {"clipsep": f"{__name__}:ToySeparator"}})
    monkeypatch.setattr("composer.cleaning.checkpoint_version", lambda: "3")
    engines.separator.cache_clear()
    yield
    engines.separator.cache_clear()


def tones(*frequencies_hz: float, levels: Sequence[float] = (0.1, 0.1, 0.1)) -> Clip:
    time_s = np.arange(3 * RATE) / RATE
    waves = [level * np.sin(2 * np.pi * hz * time_s) for hz, level in zip(frequencies_hz, levels, strict=False)]
    return Clip(np.sum(waves, axis=0, dtype=np.float32)[np.newaxis], RATE)


def test_the_described_sound_is_taken_out_and_both_levels_are_told() -> None:
    cleaned, told = clean(tones(200, 3000), "hum", mode="auto")
    assert np.abs(cleaned.samples - tones(200).samples).max() < 1e-3
    assert told.used and told.query == "hum" and told.separator == "clipsep/3"
    assert told.after_lufs < told.before_lufs and told.residual_lufs < told.before_lufs


@pytest.mark.parametrize(
    ("clip", "query", "because"),
    [
        (tones(200, 3000), "nothing", "nothing of it was found"),
        (tones(200, 3000), "unsure", "not sure"),
        (tones(200, 3000, levels=(0.001, 0.3)), "hum", "too little of it"),
        (tones(200, 3000, levels=(0.3, 0.001)), "hum", "little else"),
    ],
)
def test_where_it_does_not_help_the_recording_stays(clip: Clip, query: str, because: str) -> None:
    kept, told = clean(clip, query, mode="auto")
    assert kept is clip and not told.used and because in told.because


def test_always_takes_what_there_is() -> None:
    cleaned, told = clean(tones(200, 3000), "unsure", mode="always")
    assert told.used and not np.array_equal(cleaned.samples, tones(200, 3000).samples)
    kept, told = clean(tones(200, 3000), "nothing", mode="always")
    assert not told.used and np.abs(kept.samples).max() > 0.0  # silence is never handed on


@pytest.mark.parametrize(
    ("mode", "query", "version"),
    [
        ("never", "hum", None),
        ("auto", "", None),
        ("auto", "hum", "auto clipsep/3"),
        ("always", "hum", "always clipsep/3"),
    ],
)
def test_the_fingerprint_knows_of_the_cleaning(mode: CleanMode, query: str, version: str | None) -> None:
    assert cleaning_version(mode, query) == version


def test_without_a_separator_auto_leaves_recordings_alone_and_always_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        ToySeparator, "readiness", staticmethod(lambda: engines.Readiness(False, "weights")), raising=False
    )
    monkeypatch.setattr("composer.cleaning.checkpoint_version", lambda: None)
    assert cleaning_version("auto", "hum") is None
    with pytest.raises(EngineUnavailable, match="weights"):
        cleaning_version("always", "hum")


@pytest.mark.usefixtures("toy_engines")
def test_a_scene_cleans_its_recordings_and_the_manifest_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("composer.cleaning.checkpoint_version", lambda: "3")
    engines.REGISTRY["separator"] = {"clipsep": f"{__name__}:ToySeparator"}
    scene = Scene(tmp_path / "scene")
    scene.folder.mkdir()
    write_clip(tones(200, 3000), scene.folder / "street.wav")
    rows = [
        {"type": "sound_effect", "description": "hum", "source": "street.wav"},
        {"type": "sound_effect", "description": "a door"},
    ]
    scene.write_script(script_of(rows))

    def rendered(clean: CleanMode) -> tuple[int, dict[str, Any]]:
        scene.write_settings(Settings(clean=clean))
        finished = list(render(scene))[-1]
        assert isinstance(finished, Finished)
        return finished.synthesized, json.loads(scene.manifest_path.read_text("utf-8"))["rows"]

    made, (street, door) = rendered("auto")
    assert made == 2 and "cleaning" not in door
    told = street["cleaning"]
    assert told["used"] and told["query"] == "hum" and told["after_lufs"] < told["before_lufs"]
    clip, _ = soundfile.read(scene.folder / street["clip"])
    tone_hz = np.argmax(np.abs(np.fft.rfft(clip))) * 48_000 / len(clip)
    high = np.abs(np.fft.rfft(clip))[round(2900 * len(clip) / 48_000) : round(3100 * len(clip) / 48_000)].max()
    assert tone_hz == pytest.approx(200, abs=1) and high < 1e-2 * np.abs(np.fft.rfft(clip)).max()
    assert rendered("auto")[0] == 0
    made, (street, _) = rendered("never")
    assert made == 1 and "cleaning" not in street  # the one clip that this changes
