"""Separating and remixing files: what is written, what sums to what, and what is refused without a trace."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from composer_separating import ToySeparator, recording, samples_of

from composer import separation
from composer.errors import ComposerError
from composer.separation import Advanced, Opened, Separated, gain_db, remix, separate
from models.engines import SoundQuery
from models.errors import AudioUnreadable

LOW, HIGH, ALL = SoundQuery("low"), SoundQuery("high"), SoundQuery("all")
SUBTYPES = {
    ".wav": ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"],
    ".flac": ["PCM_16", "PCM_24"],
    ".aiff": ["PCM_S8", "PCM_16", "PCM_24", "FLOAT"],
}
KEPT = [(suffix, subtype) for suffix, subtypes in SUBTYPES.items() for subtype in subtypes]


@pytest.fixture(autouse=True)
def toy_separator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "separator", lambda name: ToySeparator())


def finished(events: object) -> Separated:
    last = list(events)[-1]  # type: ignore[call-overload]
    assert isinstance(last, Separated)
    return last


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (11_025, 2), (44_100, 2), (48_000, 6), (96_000, 1)])
def test_the_same_rate_channels_and_length_come_out(tmp_path: Path, rate: int, channels: int) -> None:
    source = recording(tmp_path / "in.wav", rate=rate, channels=channels, duration_s=2.345, subtype="PCM_16")
    done = finished(separate(source, [LOW, HIGH], tmp_path / "out"))
    assert list(done.outputs) == ["low", "high"] and done.outputs["low"] == tmp_path / "out" / "low.wav"
    for path in done.outputs.values():
        found, given = soundfile.info(path), soundfile.info(source)
        assert (found.samplerate, found.channels, found.frames) == (rate, channels, given.frames)
        assert (found.format, found.subtype) == ("WAV", "PCM_16")
    low = samples_of(done.outputs["low"])[rate // 2 : -rate // 2, 0]
    time_s = np.arange(rate // 2, rate // 2 + len(low)) / rate
    assert 2 * abs(np.mean(low * np.exp(-2j * np.pi * 440 * time_s))) == pytest.approx(0.2, abs=0.005)
    assert 2 * abs(np.mean(low * np.exp(-2j * np.pi * 3000 * time_s))) < 0.002


@pytest.mark.parametrize(("suffix", "subtype"), KEPT)
def test_queries_and_residual_sum_to_the_recording(tmp_path: Path, suffix: str, subtype: str) -> None:
    """Exactly in PCM, whose parts are whole steps; in floats to their rounding."""
    source = recording(tmp_path / f"in{suffix}", subtype=subtype, duration_s=1.5)
    done = finished(separate(source, [LOW, ALL], tmp_path / "out", keep_residual=True))
    assert list(done.outputs) == ["low", "all", "residual"]
    assert {soundfile.info(path).subtype for path in done.outputs.values()} == {subtype}
    total = np.sum([samples_of(path) for path in done.outputs.values()], axis=0)
    error = np.abs(total - samples_of(source)).max()
    assert error <= {"FLOAT": 2.0**-24, "DOUBLE": 1e-15}.get(subtype, 0.0)


def test_what_two_queries_claim_is_not_missing_twice_from_the_residual(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav", subtype="FLOAT")
    done = finished(separate(source, [LOW, ALL], tmp_path / "out", keep_residual=True))
    assert np.abs(samples_of(done.outputs["residual"])).max() < 1e-6
    alone = finished(separate(source, [LOW], tmp_path / "alone", keep_residual=True)).outputs["low"]
    inner = slice(44_100, 88_200)  # "all" takes half of what is low
    shared = samples_of(done.outputs["low"])[inner]
    np.testing.assert_allclose(shared, samples_of(alone)[inner] / 2, atol=2e-3)


@pytest.mark.parametrize(("suffix", "subtype"), KEPT)
def test_a_remix_with_gains_of_0_is_the_recording(tmp_path: Path, suffix: str, subtype: str) -> None:
    source = recording(tmp_path / f"in{suffix}", subtype=subtype, duration_s=1.0)
    done = finished(remix(source, [(LOW, 0.0), (ALL, 0.0)], tmp_path / f"out{suffix}"))
    assert np.array_equal(samples_of(done.outputs["in remix"]), samples_of(source))
    assert soundfile.info(tmp_path / f"out{suffix}").subtype == subtype


@pytest.mark.parametrize(("gain", "factor"), [("-6.0206", 0.5), ("+6.0206 dB", 2.0), ("mute", 0.0), ("-inf", 0.0)])
def test_a_remix_changes_only_what_is_named(tmp_path: Path, gain: str, factor: float) -> None:
    source = recording(tmp_path / "in.wav", rate=16_000, channels=1, subtype="FLOAT")
    done = finished(remix(source, [(LOW, gain_db(gain))], tmp_path / "out.wav"))
    time_s = np.arange(16_000) / 16_000
    for hz, wanted in ((440, 0.2 * factor), (3000, 0.2)):
        level = 2 * abs(
            np.mean(samples_of(done.outputs["in remix"])[16_000:32_000, 0] * np.exp(-2j * np.pi * hz * time_s))
        )
        assert level == pytest.approx(wanted, abs=0.003)


def test_two_queries_that_claim_the_same_are_not_taken_away_twice(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav", subtype="FLOAT")
    done = finished(remix(source, [(LOW, -math.inf), (ALL, -math.inf)], tmp_path / "out.wav"))
    assert np.abs(samples_of(done.outputs["in remix"])).max() < 1e-6


def test_samples_beyond_full_scale_are_counted(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav", channels=1, subtype="PCM_16")
    assert finished(remix(source, [(ALL, 0.0)], tmp_path / "out.wav")).n_clipped == 0
    done = finished(remix(source, [(ALL, 12.0)], tmp_path / "out.wav"))
    loud = (np.abs(samples_of(source)) * 10 ** (12 / 20) > 1.0).sum()
    assert done.n_clipped == pytest.approx(loud, rel=0.01) and loud > 1000
    assert np.abs(samples_of(tmp_path / "out.wav")).max() == 1.0


def test_one_query_alone_gives_what_it_gives_among_others(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.flac")
    together = finished(separate(source, [HIGH, ALL, LOW], tmp_path / "a")).outputs["low"]
    alone = finished(separate(source, [LOW], tmp_path / "b" / "mine.flac")).outputs["low"]
    assert alone == tmp_path / "b" / "mine.flac" and soundfile.info(alone).format == "FLAC"
    assert np.array_equal(samples_of(together), samples_of(alone))


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav", subtype="FLOAT", duration_s=1.0)
    first = finished(separate(source, [LOW], tmp_path / "a.wav")).outputs["low"].read_bytes()
    os.utime(source, (1, 1))
    assert finished(separate(source, [LOW], tmp_path / "b.wav")).outputs["low"].read_bytes() == first


def test_lossy_recordings_become_float_wav_and_named_formats_are_kept(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.ogg")
    found = soundfile.info(finished(separate(source, [LOW], tmp_path / "out")).outputs["low"])
    assert (found.format, found.subtype) == ("WAV", "FLOAT")
    for suffix, kind in (
        (".flac", ("FLAC", "PCM_24")),
        (".ogg", ("OGG", "VORBIS")),
        (".mp3", ("MP3", "MPEG_LAYER_III")),
    ):
        path = finished(separate(source, [LOW], tmp_path / f"x{suffix}")).outputs["low"]
        found = soundfile.info(path)
        assert (found.format, found.subtype) == kind


def test_events_tell_what_is_opened_how_far_it_is_and_what_was_made(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav", duration_s=6.0)
    events = list(separate(source, [LOW, SoundQuery("none"), LOW], tmp_path / "out"))
    assert events[0] == Opened(6.0, 44_100, 2, 2)  # the same query twice is one
    moments = [event.done_s for event in events if isinstance(event, Advanced)]
    assert moments == sorted(moments) and moments[-1] == 6.0 and len(moments) > 2
    assert finished(events).confidence == {"low": 1.0, "none": 0.0}


def test_silence_stays_silence_and_nothing_is_sure_to_be_there(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", np.zeros((30_000, 2)), 22_050)
    done = finished(separate(tmp_path / "in.wav", [LOW], tmp_path / "out", keep_residual=True))
    assert done.confidence == {"low": 0.0}
    assert not any(samples_of(path).any() for path in done.outputs.values())


@pytest.mark.parametrize("n_samples", [1, 2, 100, 1600])
def test_recordings_down_to_one_sample_keep_their_length(tmp_path: Path, n_samples: int) -> None:
    soundfile.write(tmp_path / "in.wav", np.full(n_samples, 0.25), 16_000, subtype="FLOAT")
    done = finished(separate(tmp_path / "in.wav", [ALL], tmp_path / "out.wav"))
    np.testing.assert_allclose(samples_of(done.outputs["all"])[:, 0], 0.25, atol=1e-6)
    assert len(samples_of(done.outputs["all"])) == n_samples


def test_the_plot_shows_each_querys_sound_where_it_is(tmp_path: Path) -> None:
    from PIL import Image

    source = recording(tmp_path / "in.wav", duration_s=4.0)
    list(separate(source, [LOW, HIGH], tmp_path / "out", plot=tmp_path / "masks.png"))
    picture = np.asarray(Image.open(tmp_path / "masks.png").convert("L")).astype(float)
    panels = [picture[top + 20 : top + 212, 60:200] for top in (0, 232, 464)]
    rows = {hz: 191 - round(192 * math.log(hz / 60) / math.log(8000 / 60)) for hz in (440, 3000)}
    lit = [[panel[row - 2 : row + 3].max() > 150 for row in rows.values()] for panel in panels]
    assert lit == [[True, True], [True, False], [False, True]]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "is not there"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b""), "cannot be read as audio"),
        (lambda path: path.write_text("not sound"), "cannot be read as audio"),
        (lambda path: soundfile.write(path, np.zeros(0), 16_000), "holds no samples"),
        (lambda path: soundfile.write(path, np.zeros((10, 1024)), 16_000), "1024 channels, at most 32"),
        (lambda path: soundfile.write(path, np.zeros(10), 900), "900 Hz"),
        (lambda path: soundfile.write(path, np.r_[np.zeros(20_000), np.nan], 16_000, subtype="FLOAT"), "at 1.250 s"),
        (lambda path: path.write_bytes(recording(path).read_bytes()[:-1001]), "1,001 bytes of its samples are missing"),
    ],
)  # fmt: skip
def test_unusable_recordings_are_refused_before_anything_is_written(tmp_path: Path, make: object, told: str) -> None:
    source = tmp_path / "in.wav"
    make(source)  # type: ignore[operator]
    with pytest.raises(AudioUnreadable, match=told) as refused:
        list(separate(source, [LOW], tmp_path / "out"))
    assert str(source) in str(refused.value) and not (tmp_path / "out").exists()


def test_outputs_that_would_be_the_recording_are_refused(tmp_path: Path) -> None:
    source = recording(tmp_path / "low.wav")
    before = source.read_bytes()
    (tmp_path / "link.wav").symlink_to(source)
    os.link(source, tmp_path / "hard.wav")
    for output in (tmp_path, source, tmp_path / "link.wav", tmp_path / "hard.wav"):
        with pytest.raises(ComposerError, match="is the recording itself"):
            list(separate(source, [LOW], output))
    with pytest.raises(ComposerError, match="is the recording itself"):
        list(separate(source, [LOW], tmp_path / "out", plot=source))
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("out.m4a", ".m4a cannot be written; there are: .wav, .flac"),
        ("two.wav", "2 files are to be written; name a folder"),
        ("in.wav/out", "cannot be made a folder"),
    ],
)
def test_outputs_that_cannot_be_are_refused(tmp_path: Path, output: str, told: str) -> None:
    source = recording(tmp_path / "in.wav")
    with pytest.raises(ComposerError, match=told):
        list(separate(source, [LOW, HIGH], tmp_path / output))
    assert left_in(tmp_path) == ["in.wav"]


def test_a_disk_without_room_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = recording(tmp_path / "in.wav", subtype="FLOAT", duration_s=1.0)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=99))
    with pytest.raises(ComposerError, match="352,800 bytes are needed, 99 are free"):
        list(separate(source, [LOW], tmp_path / "out.wav"))


FILLS = """
import resource, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import composer_separating as toys
from composer import separation
from composer.errors import ComposerError
separation.separator = lambda name: toys.ToySeparator()
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    list(separation.separate(Path(sys.argv[3]), [toys.SoundQuery("low")], Path(sys.argv[4])))
except ComposerError as error:
    print(error)
"""


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_disk_that_fills_up_leaves_the_old_file_and_no_half_one(tmp_path: Path, suffix: str) -> None:
    source = recording(tmp_path / "in.wav", duration_s=8.0)
    old = tmp_path / "out" / f"old{suffix}"
    old.parent.mkdir()
    old.write_bytes(b"old")
    house = Path(__file__).parent.parent.parent
    command = [sys.executable, "-c", FILLS, str(house), str(house / "tests"), str(source), str(old)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"old{suffix}: cannot be written" in told.stdout and "Traceback" not in told.stderr
    assert left_in(old.parent) == [old.name] and old.read_bytes() == b"old"


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_stop_half_way_leaves_the_old_file_and_no_half_one(tmp_path: Path, suffix: str) -> None:
    source = recording(tmp_path / "in.wav", duration_s=8.0)
    old = tmp_path / f"low{suffix}"
    old.write_bytes(b"old")
    events = separate(source, [LOW], old)
    while not isinstance(next(events), Advanced):
        pass
    assert f"low{suffix}.part" in left_in(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        events.throw(KeyboardInterrupt())  # type: ignore[attr-defined]
    assert left_in(tmp_path) == sorted(["in.wav", old.name]) and old.read_bytes() == b"old"


def test_gains_are_read_as_people_write_them() -> None:
    assert [gain_db(text) for text in ("-12", " +3.5 dB ", "0", "MUTE", "-inf")] == [-12, 3.5, 0, -math.inf, -math.inf]
    for text in ("loud", "nan", "inf", "25", ""):
        with pytest.raises(ComposerError, match="give a number of dB up to 24, as -12, or mute"):
            gain_db(text)


# VmHWM is this process's own peak; ru_maxrss would begin with that of the process which started it.
MEASURES = """
import re, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import composer_separating as toys
import numpy as np, soundfile
from composer import separation
separation.separator = lambda name: toys.ToySeparator()
with soundfile.SoundFile(sys.argv[3], "w", 16_000, 2, "PCM_16") as file:
    block = np.random.default_rng(0).standard_normal((16_000, 2)) * 0.1
    for _ in range(int(sys.argv[4])):
        file.write(block)
queries = [toys.SoundQuery("low"), toys.SoundQuery("high")]
for event in separation.separate(Path(sys.argv[3]), queries, Path(sys.argv[3]).parent / "out", keep_residual=True):
    pass
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_recording_eight_times_as_long_needs_no_more_memory(tmp_path: Path) -> None:
    house = Path(__file__).parent.parent.parent

    def peak_mib(duration_s: int) -> float:
        path = tmp_path / f"{duration_s}.wav"
        command = [sys.executable, "-c", MEASURES, str(house), str(house / "tests"), str(path), str(duration_s)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    short, long = peak_mib(60), peak_mib(480)
    assert long < short + 8.0  # the long one's samples alone would be 61 MB as floats, its parts three times that
