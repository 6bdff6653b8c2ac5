from __future__ import annotations

import os
import pickle
import signal as os_signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from mixing import PLAIN, RATE, Mixed, bursts, clip_of, hiss, mixed, placed
from scipy import signal

from composer.beds import Segment, looped
from composer.errors import SceneInvalid
from composer.settings import MixSettings
from models.audio import loudness_lufs
from models.clip import Samples


def impulse(at: int = 0, n_samples: int = 4_800, n_channels: int = 1) -> Samples:
    samples = np.zeros((n_channels, n_samples), dtype=np.float32)
    samples[:, at] = 0.5
    return samples


def true_peak_of_another(samples: Samples) -> float:
    return 20.0 * float(np.log10(np.abs(signal.resample_poly(samples.astype(np.float64), 8, 1, axis=1)).max()))


def lufs_of_another(samples: Samples) -> float:
    return float(pyloudnorm.Meter(RATE, filter_class="DeMan").integrated_loudness(samples.T.astype(np.float64)))


def test_impulses_arrive_at_their_sample_and_nowhere_else(tmp_path: Path) -> None:
    clip = clip_of(tmp_path, "click", impulse())
    starts = [0, 1, 47_999, 240_000, 239_999, 123_457]
    out = mixed(tmp_path, [placed(clip, row=str(start), start=start) for start in starts], n_samples=300_001)
    assert sorted(np.flatnonzero(out.effects[0]).tolist()) == sorted(starts)
    assert out.mix.shape == (2, 300_001)
    assert not out.speech.any() and not out.music.any()


@pytest.mark.parametrize("pan", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_mono_pan_is_the_equal_power_law(tmp_path: Path, pan: float) -> None:
    clip = clip_of(tmp_path, "click", impulse(9, 48_000))
    left, right = mixed(tmp_path, [placed(clip, pan=pan, gain_db=-6.0)]).unmastered[:, 9]
    peak = 0.5 * 10.0 ** (-6.0 / 20.0)
    assert left == pytest.approx(peak * np.cos((pan + 1.0) * np.pi / 4.0), abs=1e-6)
    assert right == pytest.approx(peak * np.sin((pan + 1.0) * np.pi / 4.0), abs=1e-6)


def test_stereo_at_pan_0_passes_unchanged(tmp_path: Path) -> None:
    samples = bursts(1, seconds=2.0, n_channels=2)
    out = mixed(tmp_path, [placed(clip_of(tmp_path, "a", samples))])
    assert np.allclose(out.unmastered, samples, atol=1e-6)


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.6, 1.0])
@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
def test_panned_stereo_keeps_its_loudness(tmp_path: Path, pan: float, alike: float) -> None:
    one, other = bursts(2, seconds=3.0, n_channels=2)
    samples = np.stack([one, alike * one + (1.0 - alike) * other]).astype(np.float32)
    clip = clip_of(tmp_path, "a", samples)
    out = mixed(tmp_path, [placed(clip, pan=pan, gain_db=-20.0 - clip.loudness_lufs)])
    assert loudness_lufs(out.unmastered, RATE) == pytest.approx(-20.0, abs=0.5)
    if abs(pan) == 1.0:
        silent, loud = (1, 0) if pan < 0 else (0, 1)
        assert np.abs(out.sum[silent]).max() < 1e-6 < np.abs(out.sum[loud]).max()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[object]]:
    """Loud speech over looped beds, with events, over three blocks."""
    folder = tmp_path_factory.mktemp("scene")
    voice = clip_of(folder, "voice", bursts(3, seconds=2.6))
    rain = clip_of(folder, "rain", hiss(4, seconds=3.0, n_channels=2))
    bell = clip_of(folder, "bell", bursts(5, seconds=0.3))
    span = 14 * RATE
    beds = {"ducked": True, "distance": 1.0, "n_samples": span, "fade_in_samples": RATE, "fade_out_samples": RATE}
    rows = [placed(voice, row=f"s{i}", bus="speech", start=i * 150_001, gain_db=8.0, pan=0.2) for i in range(4)]
    rows.append(
        placed(rain, row="b", bus="music", gain_db=-12.0, segments=looped(rain.n_samples, span, 24_000), **beds)
    )
    rows.append(placed(bell, row="e", start=239_000, gain_db=12.0, pan=-0.8))
    return folder, list(rows)


@pytest.mark.parametrize("room", ["none", "studio", "hall"])
@pytest.mark.parametrize(("target", "limit"), [(-16.0, -1.0), (-23.0, -3.0), (-11.0, -1.0)])
def test_the_mix_has_its_loudness_under_its_true_peak(
    scene: tuple[Path, list[object]], tmp_path: Path, room: str, target: float, limit: float
) -> None:
    settings = MixSettings(loudness_lufs=target, true_peak_dbtp=limit, room=room)
    out = mixed(tmp_path, scene[1], settings)
    assert lufs_of_another(out.mix) == pytest.approx(target, abs=0.1)
    assert out.result.loudness_lufs == pytest.approx(target, abs=0.1)
    assert true_peak_of_another(out.mix) <= limit
    assert out.result.true_peak_dbtp == pytest.approx(true_peak_of_another(out.mix), abs=0.1)
    assert np.abs(out.sum - out.mix).max() < 1e-6
    assert not out.result.warnings


def test_the_limiter_is_at_work_in_these_scenes(scene: tuple[Path, list[object]], tmp_path: Path) -> None:
    out = mixed(tmp_path, scene[1], MixSettings(loudness_lufs=-11.0, room="none"))
    free = mixed(tmp_path, scene[1], MixSettings(loudness_lufs=-30.0, room="none"))
    gain = np.float32(10.0 ** (out.result.master_gain_db / 20.0))
    assert np.abs(free.unmastered * gain).max() > 1.1 > 0.9 > np.abs(out.mix).max()


def test_stems_share_one_gain_curve(scene: tuple[Path, list[object]], tmp_path: Path) -> None:
    loud = mixed(tmp_path / "a", scene[1], MixSettings(loudness_lufs=-11.0, room="none"))
    free = mixed(tmp_path / "b", scene[1], MixSettings(loudness_lufs=-30.0, room="none"))
    sounds = (np.abs(free.speech[0]) > 1e-3) & (np.abs(free.music[0]) > 1e-3)
    assert sounds.sum() > 10_000
    speech_gain, music_gain = (
        after[0, sounds] / before[0, sounds] for after, before in ((loud.speech, free.speech), (loud.music, free.music))
    )
    assert np.ptp(20.0 * np.log10(speech_gain)) > 1.0
    assert np.allclose(speech_gain, music_gain, rtol=1e-4)


@pytest.mark.parametrize("room", ["none", "hall"])
def test_block_size_changes_nothing(scene: tuple[Path, list[object]], tmp_path: Path, room: str) -> None:
    settings = MixSettings(loudness_lufs=-12.0, room=room)
    outs = [mixed(tmp_path / str(size), scene[1], settings, block_s=size) for size in (1.0, 7.3, 10.0)]
    for other in outs[1:]:
        for name in ("speech", "music", "effects", "mix"):
            assert np.abs(getattr(other, name) - getattr(outs[0], name)).max() <= 1e-6


def test_the_same_timeline_gives_the_same_bytes(scene: tuple[Path, list[object]], tmp_path: Path) -> None:
    for name in "ab":
        mixed(tmp_path / name, scene[1], MixSettings())
    for file in ("mix.wav", "stems/speech.wav", "stems/music.wav", "stems/effects.wav"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_rows_report_the_loudness_they_really_have(scene: tuple[Path, list[object]], tmp_path: Path) -> None:
    out = mixed(tmp_path, [row for row in scene[1] if row.bus == "music"], PLAIN)  # type: ignore[attr-defined]
    row = out.result.rows[0]
    assert row.loudness_lufs == pytest.approx(loudness_lufs(out.unmastered, RATE), abs=0.02)
    assert (row.row, row.start_sample, row.n_samples) == ("b", 0, 14 * RATE)


def test_loops_of_noise_do_not_dip_or_swell_where_they_meet(tmp_path: Path) -> None:
    clip = clip_of(tmp_path, "a", hiss(6, seconds=3.0))
    span = 12 * RATE
    out = mixed(tmp_path, [placed(clip, n_samples=span, segments=looped(clip.n_samples, span, RATE))])
    power = (out.unmastered**2).sum(axis=0).reshape(-1, RATE // 4).mean(axis=1)
    whole = clip_of(tmp_path, "b", hiss(6, seconds=12.0))
    theirs = (mixed(tmp_path, [placed(whole)]).unmastered ** 2).sum(axis=0).reshape(-1, RATE // 4).mean(axis=1)
    assert np.ptp(10 * np.log10(power)) < 1.5 * np.ptp(10 * np.log10(theirs)) + 0.5


def test_a_faded_bed_begins_and_ends_in_silence(tmp_path: Path) -> None:
    samples = hiss(12, seconds=1.0)
    bed = placed(clip_of(tmp_path, "a", samples), fade_in_samples=4_800, fade_out_samples=9_600)
    fade = np.ones(RATE)
    fade[:4_800] = np.sin((np.arange(4_800) + 0.5) / 4_800 * np.pi / 2.0)
    fade[-9_600:] = np.cos((np.arange(9_600) + 0.5) / 9_600 * np.pi / 2.0)
    for side in mixed(tmp_path, [bed]).unmastered:
        assert np.allclose(side, samples[0] * fade * np.sqrt(0.5), atol=1e-6)


def ducked_gains_db(folder: Path, settings: MixSettings, **of_bed: object) -> Samples:
    """The gain of a bed of ones, under speech from 2.0 to 3.0 s, in dB a sample."""
    ones = clip_of(folder, "ones", np.full((1, 6 * RATE), 0.01, dtype=np.float32))
    voice = clip_of(folder, "voice", hiss(7, seconds=1.0))
    given: dict[str, object] = {"ducked": True, "distance": 1.0, **of_bed}
    rows = [placed(ones, row="b", bus="music", **given), placed(voice, bus="speech", start=2 * RATE, gain_db=6.0)]
    out = mixed(folder, rows, settings)
    gain = 10.0 ** (out.result.master_gain_db / 20.0)
    return 20.0 * np.log10(out.music[0] / (0.01 * np.sqrt(0.5) * gain))


def test_beds_go_down_before_speech_and_come_back_after_it(tmp_path: Path) -> None:
    gains_db = ducked_gains_db(tmp_path, MixSettings(room="none", duck_db=9.0, loudness_lufs=-30.0))
    assert np.allclose(gains_db[: round(1.9 * RATE)], 0.0, atol=0.01)
    assert np.allclose(gains_db[round(2.0 * RATE) : round(3.0 * RATE)], -9.0, atol=0.01)
    assert -9.0 < gains_db[round(1.96 * RATE)] < -1.0
    assert -9.0 < gains_db[round(3.45 * RATE)] < -1.0
    assert np.allclose(gains_db[round(3.8 * RATE) :], 0.0, atol=0.01)
    assert np.abs(np.diff(gains_db)).max() < 9.0 / (0.05 * RATE)


def test_foreground_rows_are_never_ducked(tmp_path: Path) -> None:
    settings = MixSettings(room="none", duck_db=9.0, loudness_lufs=-30.0)
    assert np.allclose(ducked_gains_db(tmp_path, settings, ducked=False, distance=0.0), 0.0, atol=0.01)


@pytest.mark.parametrize("room", ["studio", "room", "hall", "cave", "outdoors"])
@pytest.mark.parametrize("distance", [0.0, 1.0])
@pytest.mark.parametrize("sound", [bursts, hiss])
def test_rows_keep_their_loudness_in_any_room(tmp_path: Path, room: str, distance: float, sound: object) -> None:
    clip = clip_of(tmp_path, "a", sound(8, seconds=6.0))  # type: ignore[operator]
    row = placed(clip, distance=distance, gain_db=-20.0 - clip.loudness_lufs, pan=0.5)
    out = mixed(tmp_path, [row], MixSettings(room=room), n_samples=clip.n_samples + 2 * RATE)
    assert loudness_lufs(out.unmastered, RATE) == pytest.approx(-20.0, abs=0.5)


def test_a_silent_scene_stays_silent_and_says_so(tmp_path: Path) -> None:
    out = mixed(tmp_path, [placed(clip_of(tmp_path, "a", np.zeros((1, RATE), dtype=np.float32)))])
    assert not out.mix.any() and out.result.loudness_lufs == -np.inf and out.result.true_peak_dbtp == -np.inf
    assert [fault.severity for fault in out.result.warnings] == ["warning"]


def test_a_scene_too_quiet_gets_30_db_and_a_warning(tmp_path: Path) -> None:
    out = mixed(tmp_path, [placed(clip_of(tmp_path, "a", hiss(9, seconds=2.0) * np.float32(1e-5)))])
    assert out.result.master_gain_db == pytest.approx(30.0)
    assert out.result.loudness_lufs < -60.0 and "not -40" in out.result.warnings[0].message


def test_a_target_that_the_ceiling_forbids_is_told(tmp_path: Path) -> None:
    click = clip_of(tmp_path, "a", impulse(9, 48_000))
    out = mixed(tmp_path, [placed(click)], MixSettings(room="none", loudness_lufs=-10.0))
    assert true_peak_of_another(out.mix) <= -1.0 and out.result.warnings


def test_a_scene_without_rows_has_empty_files(tmp_path: Path) -> None:
    out = mixed(tmp_path, [])
    assert out.mix.shape[1] == 0 and out.result.loudness_lufs == -np.inf


def test_a_sample_that_is_no_number_names_its_row(tmp_path: Path) -> None:
    samples = bursts(10, seconds=1.0)
    clip = clip_of(tmp_path, "a", samples)
    samples[0, 555] = np.nan
    soundfile.write(clip.path, samples.T, RATE, subtype="FLOAT")
    with pytest.raises(SceneInvalid, match="row r07.*not finite"):
        mixed(tmp_path, [placed(clip, row="r07")])
    assert not list(tmp_path.glob("**/*.part")) and not (tmp_path / "mix.wav").exists()


def test_a_clip_that_was_cut_short_names_its_row(tmp_path: Path) -> None:
    clip = clip_of(tmp_path, "a", bursts(11, seconds=1.0))
    soundfile.write(clip.path, np.zeros((100, 1)), RATE, subtype="FLOAT")
    with pytest.raises(SceneInvalid, match="row r08"):
        mixed(tmp_path, [placed(clip, row="r08")])


def test_progress_goes_up_to_one(scene: tuple[Path, list[object]], tmp_path: Path) -> None:
    told: list[float] = []
    mixed(tmp_path, scene[1], MixSettings(room="none"), on_progress=told.append)
    assert told == sorted(told) and told[-1] == pytest.approx(1.0)


def test_a_kill_leaves_the_old_files_or_none(scene: tuple[Path, list[object]], tmp_path: Path) -> None:
    """The process kills itself in the middle of the second walk; what had a name before is untouched."""
    old = mixed(tmp_path, scene[1], MixSettings(room="none"))
    code = (
        "import os, signal, sys, pickle; sys.path.insert(0, sys.argv[2]); from pathlib import Path;"
        "from mixing import mixed; from composer.settings import MixSettings; folder = Path(sys.argv[1]);"
        "rows = pickle.loads((folder / 'rows').read_bytes());"
        "die = lambda share: os.kill(os.getpid(), signal.SIGKILL) if share > 0.6 else None;"
        "mixed(folder, rows, MixSettings(loudness_lufs=-20.0), on_progress=die)"
    )
    (tmp_path / "rows").write_bytes(pickle.dumps(scene[1]))
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": str(here.parents[1])}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(here)], env=environment, check=False)
    assert done.returncode == -os_signal.SIGKILL
    assert len(list(tmp_path.glob("**/*.part"))) == 4
    again, _ = soundfile.read(tmp_path / "mix.wav", dtype="float32")
    assert np.array_equal(again.T, old.mix)
    fresh = mixed(tmp_path, scene[1], MixSettings(room="none"))
    assert np.array_equal(fresh.mix, old.mix) and not list(tmp_path.glob("**/*.part"))


def test_segments_read_the_right_piece_of_the_file(tmp_path: Path) -> None:
    ramp = (np.arange(48_000, dtype=np.float32) / 96_000)[None]
    clip = clip_of(tmp_path, "ramp", ramp)
    pieces = (Segment(1_000, 0, 10_000), Segment(20_000, 10_000, 20_000))
    out = mixed(tmp_path, [placed(clip, n_samples=30_000, segments=pieces)])
    expected = np.concatenate([ramp[0, 1_000:11_000], ramp[0, 20_000:40_000]]) * np.sqrt(0.5)
    assert np.allclose(out.unmastered[0], expected, atol=1e-6)


def test_files_are_what_players_open(scene: tuple[Path, list[object]], tmp_path: Path) -> None:
    out: Mixed = mixed(tmp_path, scene[1], PLAIN)
    whole, stem = soundfile.info(tmp_path / "mix.wav"), soundfile.info(tmp_path / "stems" / "music.wav")
    assert (whole.subtype, whole.samplerate, whole.channels, whole.frames) == ("PCM_24", RATE, 2, out.mix.shape[1])
    assert (stem.subtype, stem.samplerate, stem.channels, stem.frames) == ("FLOAT", RATE, 2, out.mix.shape[1])
