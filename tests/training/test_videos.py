"""Videos for training: sound and frames against what was put in, going on after a cut, broken files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.mixtures import Mixer, MixtureConfig
from training.queries import QueriesConfig, query_banks
from training.sounds import DataUnusable, SoundsConfig, read_sounds
from training.videos import prepare_videos, read_video

av = pytest.importorskip("av", reason="PyAV comes with the train extra")


def write_video(path: Path, grey: int, hz: float, seconds: int = 3, *, sound: bool = True) -> None:
    """A video of one grey level, which rises by 20 every second, with a tone at 44.1 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        tone = container.add_stream("aac", rate=44_100) if sound else None
        for k in range(10 * seconds):
            frame = np.full((48, 64, 3), grey + 20 * (k // 10), np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(picture.encode(None))
        if tone is not None:
            wave = 0.5 * np.sin(2 * np.pi * hz * np.arange(44_100 * seconds) / 44_100)
            block = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], format="fltp", layout="mono")
            block.sample_rate = 44_100
            container.mux(tone.encode(block))
            container.mux(tone.encode(None))


def brightness(paths: Sequence[Path]) -> NDArray[np.float32]:
    """A toy encoder: the mean grey level, twice."""
    return np.array([[np.asarray(Image.open(path)).mean()] * 2 for path in paths], np.float32)


def test_a_video_gives_its_tone_at_16_khz_and_one_frame_a_second(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 60, 1_000.0)
    video = read_video(tmp_path / "a.mp4")
    assert len(video.samples) == pytest.approx(48_000, abs=2_000)
    spectrum = np.abs(np.fft.rfft(video.samples[8_000:24_000]))
    assert int(spectrum.argmax()) == 1_000
    assert [round(float(frame.mean())) for frame in video.frames] == pytest.approx([60, 80, 100], abs=4)


def test_prepared_videos_are_what_training_reads(tmp_path: Path) -> None:
    for k, place in enumerate(("dog/a", "dog/b", "rain/a", "rain/c")):
        write_video(tmp_path / "videos" / f"{place}.mp4", 20 * k + 20, 500.0 * (k + 1))
    table = prepare_videos(tmp_path / "videos", tmp_path / "data", brightness)
    sounds = read_sounds(SoundsConfig(table="sounds.csv", collections=["videos"]), table.parent)
    assert [(sound.concept, sound.text) for sound in sounds] == [
        ("dog--a", "dog"),
        ("dog--b", "dog"),
        ("rain--a", "rain"),
        ("rain--c", "rain"),
    ]
    for k, sound in enumerate(sounds):
        assert int(np.abs(np.fft.rfft(sound.samples[8_000:24_000])).argmax()) == 500 * (k + 1)
    queries = QueriesConfig(pictures=str(tmp_path / "data" / "frames.npz"), n_mixed=(3, 3))
    bank = query_banks(queries, [sound.concept for sound in sounds])[0]
    np.testing.assert_allclose(bank["rain--a"][:, 0], [60, 80, 100], atol=4)
    mixer = Mixer(sounds, MixtureConfig(batch_size=2, n_frames=128))
    assert mixer.waves(mixer.draw(np.random.default_rng(0))).any(axis=2).all()


def test_a_run_that_was_cut_off_does_not_encode_again(tmp_path: Path) -> None:
    write_video(tmp_path / "videos" / "a.mp4", 50, 440.0)
    calls: list[int] = []

    def counted(paths: Sequence[Path]) -> NDArray[np.float32]:
        calls.append(len(paths))
        return brightness(paths)

    prepare_videos(tmp_path / "videos", tmp_path / "data", counted)
    write_video(tmp_path / "videos" / "b.mp4", 90, 880.0)
    table = prepare_videos(tmp_path / "videos", tmp_path / "data", counted)
    assert calls == [3, 3] and len(table.read_text().splitlines()) == 3


def test_a_broken_video_is_an_error_or_is_listed(tmp_path: Path) -> None:
    write_video(tmp_path / "videos" / "good.mp4", 50, 440.0)
    (tmp_path / "videos" / "bad.mp4").write_bytes(b"no video at all")
    with pytest.raises(DataUnusable, match=r"bad\.mp4: cannot be read as a video"):
        prepare_videos(tmp_path / "videos", tmp_path / "data", brightness)
    table = prepare_videos(tmp_path / "videos", tmp_path / "data", brightness, leave_out_broken=True)
    assert len(table.read_text().splitlines()) == 2
    assert "bad.mp4" in (tmp_path / "data" / "broken.txt").read_text()


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 60, 0.0, sound=False)
    with pytest.raises(DataUnusable, match=r"a\.mp4: has no sound"):
        read_video(tmp_path / "a.mp4")
    with pytest.raises(DataUnusable, match="holds no video"):
        prepare_videos(tmp_path / "nowhere", tmp_path / "data", brightness)
