"""The CLIPSep engine on a small net with random weights: against the paper's procedure, and what it refuses."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.clip import Clip
from models.clipsep.checkpoint import CheckpointConfig, load_net, save_checkpoint
from models.clipsep.level import GatedLevel
from models.clipsep.net import NetConfig, SeparationNet
from models.clipsep.queries import PROMPTS
from models.clipsep.separator import TARGET_RMS, ClipSep
from models.clipsep.streaming import Recording
from models.clipsep.warp import istft, log_magnitude, stft, unwarp, warp
from models.engines import SoundQuery
from models.errors import CheckpointUnusable, QueryUnusable

SMALL = NetConfig(width=2, query_size=6)


class ToyEncoder:
    """A vector drawn by the words, or by the picture's name; keeps what it was asked."""

    version = "1"
    n_dimensions = 6

    def __init__(self) -> None:
        self.asked: list[str] = []

    def _vectors(self, names: Sequence[str]) -> NDArray[np.float32]:
        self.asked += names
        seeds = [int.from_bytes(name.encode("utf-8")[:64].ljust(8), "little") for name in names]
        return np.stack([np.random.default_rng(seed).standard_normal(6) for seed in seeds]).astype(np.float32)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectors(texts)

    def pictures(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        return self._vectors([str(path) for path in paths])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose masks vary: random weights larger than at the published start."""
    torch.manual_seed(0)
    net = SeparationNet(SMALL).eval()
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(net, CheckpointConfig(net=SMALL, encoder="toy"), folder, half=False)
    return folder


@pytest.fixture
def engine(folder: Path) -> ClipSep:
    return ClipSep(folder, words_encoder=ToyEncoder())


def noise(n_channels: int, n_samples: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((n_channels, n_samples), dtype=np.float32) * np.float32(0.1)


def test_one_window_is_separated_as_the_paper_does_it(folder: Path) -> None:
    """65,535 samples at 16 kHz: spectrum, warp, net, mask, back; up to where the published inverse spikes."""
    engine = ClipSep(folder, words_encoder=ToyEncoder(), gated=False)
    samples = noise(1, 65_535)
    net, query = load_net(folder), torch.from_numpy(engine.query_vectors([SoundQuery("dog")]))
    with torch.inference_mode():
        spectra = stft(torch.from_numpy(samples))  # (1, 513, 256)
        gain = TARGET_RMS / float(np.sqrt(np.mean(samples[:, :64_000] ** 2)))  # of the four whole seconds
        masks = net(log_magnitude(warp(spectra.abs() * gain))[:, None], query[None])  # (1, 1, 256, 256)
        wanted = istft(spectra * unwarp(masks[:, 0]), 65_535)
    found = engine.separate(Clip(samples, 16_000), "dog")
    assert masks.std() > 0.01
    # the first and last frames lie half outside, where ours goes on with the mask next to it
    np.testing.assert_allclose(found.samples[:, 512:64_000], wanted[:, 512:64_000], atol=2e-6)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_a_clip_keeps_its_rate_channels_length_and_credits(engine: ClipSep, rate: int) -> None:
    mixture = Clip(noise(2, round(5.3 * rate)), rate, credits={"author": "Ann"})
    found = engine.separate(mixture, "dog")
    assert (found.sample_rate, found.samples.shape, found.credits) == (rate, mixture.samples.shape, {"author": "Ann"})
    assert found.samples.dtype == np.float32 and np.isfinite(found.samples).all()


def test_one_pass_of_the_net_serves_every_query(engine: ClipSep, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    features = SeparationNet.features

    def counted(net: SeparationNet, log_mag: torch.Tensor) -> torch.Tensor:
        passes.append(len(log_mag))
        return features(net, log_mag)

    monkeypatch.setattr(SeparationNet, "features", counted)
    mixture = Clip(noise(1, 16_000 * 9), 16_000)
    together, _ = engine.separate_all(mixture, [SoundQuery(text) for text in ("dog", "rain", "bell")])
    assert sum(passes) == 3  # windows: 563 frames
    alone = engine.separate(mixture, "rain")
    np.testing.assert_allclose(together[1], alone.samples, atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-4


@pytest.mark.parametrize("gain_db", [-60.0, -20.0, 12.0])
def test_a_recordings_level_does_not_change_its_masks(engine: ClipSep, gain_db: float) -> None:
    factor = np.float32(10.0 ** (gain_db / 20.0))
    wanted = engine.separate(Clip(noise(1, 40_000), 16_000), "dog").samples
    found = engine.separate(Clip(noise(1, 40_000) * factor, 16_000), "dog").samples
    np.testing.assert_allclose(found / factor, wanted, atol=1e-6)


def test_words_are_put_in_every_prompt_and_pictures_are_looked_at(engine: ClipSep, tmp_path: Path) -> None:
    encoder = ToyEncoder()
    asked = ClipSep(engine._folder, words_encoder=encoder)
    vectors = asked.query_vectors([SoundQuery(" dog "), SoundQuery("", tmp_path / "dog.png")])
    assert encoder.asked == [prompt.format("dog") for prompt in PROMPTS] + [str(tmp_path / "dog.png")]
    np.testing.assert_allclose(vectors[0], ToyEncoder().texts(encoder.asked[:5]).mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(vectors[1], ToyEncoder().texts(encoder.asked[5:])[0], rtol=1e-6)
    braces = ClipSep(engine._folder, words_encoder=encoder).query_vectors([SoundQuery("{0} {x}")])
    assert np.isfinite(braces).all()


def test_silence_gives_silence_and_no_confidence(engine: ClipSep) -> None:
    found, sure = engine.separate_all(Clip(np.zeros((2, 30_000), np.float32), 22_050), [SoundQuery("dog")])
    assert found.shape == (1, 2, 30_000) and not found.any() and sure == [0.0]


def test_confidences_lie_between_0_and_1(engine: ClipSep) -> None:
    _, sure = engine.separate_all(Clip(noise(1, 40_000), 16_000), [SoundQuery("dog"), SoundQuery("rain")])
    assert all(0.0 <= one <= 1.0 for one in sure)


@pytest.mark.parametrize(
    ("queries", "told"),
    [
        ([SoundQuery("")], "query 1 is empty; say what should be heard"),
        ([SoundQuery("dog"), SoundQuery(" \n\t ")], "query 2 is empty"),
        ([SoundQuery("dog " * 10_000)], "query 1 has 40,000 characters, at most 2,000 are read"),
        ([SoundQuery(f"sound {number}") for number in range(65)], "65 queries were given; give 1 to 64"),
        ([], "0 queries were given"),
    ],
)
def test_queries_that_say_nothing_or_far_too_much_are_refused(
    engine: ClipSep, queries: list[SoundQuery], told: str
) -> None:
    with pytest.raises(QueryUnusable, match=told):
        engine.begin(Recording(16_000, 1, 1000), queries, level_rms=0.1)


def test_label_checkpoints_name_their_labels_and_pit_takes_no_queries(tmp_path: Path) -> None:
    net = SeparationNet(NetConfig(width=1, query_size=2))
    save_checkpoint(net, CheckpointConfig(net=net.config, query="label", labels=["dog", "rain"]), tmp_path)
    assert ClipSep(tmp_path).query_vectors([SoundQuery("rain")]).tolist() == [[0.0, 1.0]]
    with pytest.raises(QueryUnusable, match="'cat' is not a label of this checkpoint; it has: dog, rain"):
        ClipSep(tmp_path).query_vectors([SoundQuery("cat")])
    save_checkpoint(net, CheckpointConfig(net=net.config, query="none"), tmp_path)
    with pytest.raises(QueryUnusable, match="without queries"):
        ClipSep(tmp_path).query_vectors([SoundQuery("dog")])


def test_broken_checkpoints_and_pickles_are_refused(folder: Path, tmp_path: Path) -> None:
    encoder = ToyEncoder()
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes((folder / "model.safetensors").read_bytes()[:-50])
    with pytest.raises(CheckpointUnusable, match="is cut short"):
        ClipSep(tmp_path, words_encoder=encoder).separate(Clip(noise(1, 100), 16_000), "dog")
    weights.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointUnusable, match="can run code"):
        ClipSep(tmp_path, words_encoder=encoder).separate(Clip(noise(1, 100), 16_000), "dog")
    with pytest.raises(CheckpointUnusable, match="is not a folder"):
        ClipSep(tmp_path / "best_model.pt", words_encoder=encoder).separate(Clip(noise(1, 100), 16_000), "dog")


def test_the_gated_level_leaves_pauses_out() -> None:
    """Two seconds of a sine of amplitude 0.2 (RMS 0.1414), eight of noise 60 dB below: 0.1414, not a fifth of it."""
    rate = 8_000
    tone = 0.2 * np.sin(2 * np.pi * 100 * np.arange(2 * rate) / rate)
    samples = np.concatenate([tone, 2e-4 * np.ones(8 * rate)])[np.newaxis].repeat(2, axis=0)
    for block in (977, rate, 10 * rate):
        level = GatedLevel(rate)
        for begin in range(0, samples.shape[1], block):
            level.add(samples[:, begin : begin + block])
        assert level.rms() == pytest.approx(0.2 / np.sqrt(2), rel=1e-4)
    short = GatedLevel(rate)
    short.add(samples[:, :800])
    assert short.rms() == pytest.approx(0.2 / np.sqrt(2), rel=1e-4)
    assert GatedLevel(rate).rms() == 0.0
