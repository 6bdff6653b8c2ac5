"""Streaming separation against one pass over the whole recording, with masks that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from models.clip import Samples
from models.clipsep.streaming import (
    NET_BINS,
    WINDOW_FRAMES,
    Magnitudes,
    Masks,
    Recording,
    own_hop,
    separate_blocks,
    window_starts,
)

RATES = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)


def noise(n_channels: int, n_samples: int, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).standard_normal((n_channels, n_samples), dtype=np.float32) * np.float32(0.1)


def ones(windows: Magnitudes) -> Masks:
    return np.ones((len(windows), 1, *windows.shape[1:]), np.float32)


def loud_half(windows: Magnitudes) -> Masks:
    """An oracle that looks at one point at a time: what is louder than 2, and what is not."""
    loud = (windows > 2.0).astype(np.float32)
    return np.stack([loud, 1 - loud], axis=1)


def run(samples: Samples, sample_rate: int, function: object, n_queries: int, block: int = 5000, **more: object):
    blocks = (samples[:, begin : begin + block] for begin in range(0, samples.shape[1], block))
    recording = Recording(sample_rate, *samples.shape)
    parts = list(separate_blocks(blocks, recording, function, n_queries, **more))  # type: ignore[arg-type]
    assert [part.begin for part in parts] == list(np.cumsum([0] + [part.mixture.shape[1] for part in parts])[:-1])
    return np.concatenate([part.mixture for part in parts], 1), np.concatenate([part.parts for part in parts], 2)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("duration_s", [0.001, 0.1, 4.0, 9.3])
def test_a_mask_of_ones_gives_the_recording_back(sample_rate: int, duration_s: float) -> None:
    samples = noise(2, round(duration_s * sample_rate))
    mixture, parts = run(samples, sample_rate, ones, 1)
    assert np.array_equal(mixture, samples)
    np.testing.assert_allclose(parts[0], samples, atol=1e-6)


def test_windows_give_what_one_pass_over_the_whole_gives() -> None:
    """scipy's own STFT of the whole recording, masked point by point, and back."""
    samples = noise(1, 16_000 * 13 + 77)
    _, parts = run(samples, 16_000, loud_half, 2)
    transform = scipy.signal.ShortTimeFFT(scipy.signal.windows.hann(1024, sym=False), 256, 16_000)
    spectra = transform.stft(samples[0].astype(np.float64), p0=-1, p1=samples.shape[1] // 256 + 3)
    for part, mask in zip(parts[:, 0], (abs(spectra) > 2.0, abs(spectra) <= 2.0), strict=True):
        whole = transform.istft(spectra * mask, k1=samples.shape[1])
        # beyond the first and the last frame inside the recording, ours goes on with their masks
        np.testing.assert_allclose(part[512:-1024], whole[512:-1024], atol=2e-6)
    np.testing.assert_allclose(parts.sum(axis=0), samples, atol=1e-6)


@pytest.mark.parametrize("sample_rate", [11_025, 16_000, 44_100])
def test_the_size_of_blocks_and_batches_does_not_matter(sample_rate: int) -> None:
    samples = noise(2, round(9.1 * sample_rate))
    _, wanted = run(samples, sample_rate, loud_half, 2, block=samples.shape[1])
    for block, n_batch in ((997, 1), (sample_rate, 3), (sample_rate * 7, 2)):
        _, parts = run(samples, sample_rate, loud_half, 2, block=block, n_batch=n_batch)
        np.testing.assert_allclose(parts, wanted, atol=1e-6)


@pytest.mark.parametrize("sample_rate", RATES)
def test_a_low_and_a_high_tone_part_at_every_rate(sample_rate: int) -> None:
    """500 Hz belongs to the first query, 2,500 Hz to the second: each comes out alone, at its level, in its place."""

    def below_1_khz(windows: Magnitudes) -> Masks:
        low = np.broadcast_to((np.arange(NET_BINS) < 64)[:, None], windows.shape[1:]).astype(np.float32)
        return np.broadcast_to(np.stack([low, 1 - low]), (len(windows), 2, *windows.shape[1:]))

    time_s = np.arange(round(6 * sample_rate)) / sample_rate
    tones = [0.3 * np.sin(2 * np.pi * hz * time_s) for hz in (500.0, 2500.0)]
    _, parts = run(np.array([sum(tones)], np.float32), sample_rate, below_1_khz, 2)
    inner = slice(sample_rate // 4, -sample_rate // 4)
    for part, tone in zip(parts[:, 0], tones, strict=True):
        np.testing.assert_allclose(part[inner], tone[inner], atol=2e-3)


@pytest.mark.parametrize("sample_rate", RATES)
def test_masks_open_and_close_at_the_right_moment(sample_rate: int) -> None:
    """A mask that opens at 5.12 s (frame 320): half of the level is reached there, to 2 ms."""
    seen = 0

    def opens(windows: Magnitudes) -> Masks:
        nonlocal seen
        starts = window_starts(Recording(sample_rate, 1, 10 * sample_rate).n_frames)[seen : seen + len(windows)]
        seen += len(windows)
        frames = np.array(starts)[:, None] + np.arange(WINDOW_FRAMES)
        return np.broadcast_to((frames >= 320)[:, None, None], (len(windows), 1, *windows.shape[1:])).astype(np.float32)

    level = np.full((1, 10 * sample_rate), 0.5, np.float32) * np.cos(np.pi / 2 * np.arange(10 * sample_rate))
    _, parts = run(level.astype(np.float32), sample_rate, opens, 1)
    size = np.abs(parts[0, 0, ::2])[sample_rate : -sample_rate // 2]  # from 2 s on, every other sample
    middle_s = 2.0 + 2 * float(np.interp(0.25, size, np.arange(len(size)))) / sample_rate
    # the step between frames 319 and 320 lies at 319.5 x 16 ms
    assert middle_s == pytest.approx(319.5 * 0.016, abs=0.002)


def test_the_stereo_image_is_kept() -> None:
    """One mask for all channels: a source at the left stays there, and opposite phases do not cancel."""
    source = noise(1, 70_000)[0]
    samples = np.stack([source, np.float32(-0.25) * source])
    _, parts = run(samples, 16_000, loud_half, 2)
    assert np.abs(parts[0, 0]).max() > 0.05
    np.testing.assert_allclose(parts[:, 1], -0.25 * parts[:, 0], atol=1e-6)
    _, opposite = run(np.stack([source, -source]), 16_000, loud_half, 2)
    _, alone = run(source[None], 16_000, loud_half, 2)
    np.testing.assert_allclose(opposite[:, 0], alone[:, 0], atol=1e-6)


def test_above_the_nets_reach_the_mask_goes_on_as_the_octave_below_it() -> None:
    """Noise above 4 kHz is claimed to 0.75 and below to 0.25: at 12 kHz three quarters are kept.

    From 7.5 kHz on, where resampling leaves the net nothing to hear, what it says is not asked for.
    """

    def more_above(windows: Magnitudes) -> Masks:
        bins_hz = np.arange(NET_BINS) * 15.625
        share = np.where(bins_hz >= 3750, 0.75, 0.25)[:, None].astype(np.float32)
        share[bins_hz > 7500] = 0.0
        return np.broadcast_to(share, (len(windows), 1, NET_BINS, WINDOW_FRAMES))

    samples = noise(1, 48_000 * 5)
    _, parts = run(samples, 48_000, more_above, 1)
    spectra = [np.abs(np.fft.rfft(sound))[1:] for sound in (samples[0], parts[0, 0])]
    bins_hz = np.arange(1, len(spectra[0]) + 1) / 5
    for low_hz, high_hz, share in ((100, 3600, 0.25), (4000, 7400, 0.75), (7600, 24_000, 0.75)):
        band = (bins_hz > low_hz) & (bins_hz < high_hz)
        assert spectra[1][band].sum() / spectra[0][band].sum() == pytest.approx(share, abs=0.01)


def test_silence_stays_silence_and_never_reaches_the_net() -> None:
    def refuses(windows: Magnitudes) -> Masks:
        raise AssertionError("the net was asked about silence")

    _, parts = run(np.zeros((2, 100_000), np.float32), 44_100, refuses, 1)
    assert not parts.any()


def test_the_net_hears_no_silence_beside_sound() -> None:
    """Half a second of sound in ten of silence: every frame that the net is shown holds it."""
    shown: list[Magnitudes] = []

    def watched(windows: Magnitudes) -> Masks:
        shown.append(windows)
        return ones(windows)

    samples = np.zeros((1, 160_000), np.float32)
    samples[:, 80_000:88_000] = noise(1, 8_000)
    _, parts = run(samples, 16_000, watched, 1)
    np.testing.assert_allclose(parts[0], samples, atol=1e-6)
    assert shown and all(windows.max(axis=1).min() > 1e-6 for windows in shown)
    sound = samples[:, 80_000:88_000]
    shown.clear()
    run(sound, 16_000, watched, 1)
    assert np.array_equal(shown[0][0][:, 32:64], shown[0][0][:, :32])  # 32 frames, in turn


def test_shared_masks_never_sum_to_more_than_the_mixture() -> None:
    def greedy(windows: Magnitudes) -> Masks:
        return np.full((len(windows), 3, *windows.shape[1:]), 0.9, np.float32)

    samples = noise(1, 90_000)
    _, shared = run(samples, 16_000, greedy, 3, share=True)
    np.testing.assert_allclose(shared[0], samples / 3, atol=1e-6)
    _, alone = run(samples, 16_000, greedy, 3)
    np.testing.assert_allclose(alone[0], samples * 0.9, atol=1e-6)


def test_combined_outputs_are_the_weighted_sums_of_the_queries() -> None:
    samples = noise(2, 50_000)
    _, each = run(samples, 22_050, loud_half, 2)
    _, mixed = run(samples, 22_050, loud_half, 2, combine=np.array([[-1.0, 0.5]], np.float32))
    np.testing.assert_allclose(mixed[0], 0.5 * each[1] - each[0], atol=1e-6)


def test_observers_see_every_frame_once_in_order() -> None:
    seen: list[tuple[int, int]] = []
    samples = noise(1, 16_000 * 12)
    run(samples, 16_000, loud_half, 2, observers=[lambda first, heard, masks: seen.append((first, masks.shape[2]))])
    assert [first for first, _ in seen] == list(np.cumsum([0] + [n for _, n in seen])[:-1])
    assert sum(n for _, n in seen) == 12 * 16_000 // 256 + 1


def test_blocks_that_do_not_add_up_are_refused() -> None:
    for announced in (999, 1001):
        with pytest.raises(ValueError, match=r"announced|does not fit"):
            list(separate_blocks([noise(1, 1000)], Recording(16_000, 1, announced), ones, 1))


@pytest.mark.parametrize("n_frames", [1, 255, 256, 257, 448, 449, 1000, 1_800_001])
def test_windows_cover_every_frame_and_overlap_by_a_quarter(n_frames: int) -> None:
    starts = window_starts(n_frames)
    assert starts[0] == 0 and max(np.diff(starts), default=0) <= 192
    assert starts[-1] + WINDOW_FRAMES == max(n_frames, WINDOW_FRAMES)


@pytest.mark.parametrize("sample_rate", [1_000, 7_919, 11_025, 44_100, 88_200, 176_400, 352_800, 768_000])
def test_the_own_hop_is_16_ms_to_a_twentieth(sample_rate: int) -> None:
    assert own_hop(sample_rate) / sample_rate == pytest.approx(0.016, rel=0.05)
