"""The engines on diffusers pipelines, on tiny untrained models that these tests make."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.effects.diffusion_pipelines import generated_to_length
from models.engines import SoundQuery, engine_readiness, sound_engine
from models.errors import EngineUnavailable, ModelError

QUERY = SoundQuery("rain")


def test_windows_are_joined_to_the_exact_length_at_even_power() -> None:
    asked: list[tuple[float, int]] = []

    def draw(length_s: float, seed: int) -> Any:
        asked.append((length_s, seed))
        noise = np.random.default_rng(seed).normal(size=(2, round(length_s * 1000)))
        return (0.1 * noise).astype(np.float32)

    clip = generated_to_length(QUERY, 25.5, 7, sample_rate=1000, window_s=10.0, draw=draw)
    assert clip.samples.shape == (2, 25_500)
    assert [seed for _, seed in asked] == [7, 8, 9]
    assert max(length for length, _ in asked) == 10.0
    power = (clip.samples**2).reshape(2, -1, 500).mean(axis=(0, 2))
    assert power.max() / power.min() < 1.6  # 1,000 noise samples a block: 5 sigma is about 1.25


def test_words_are_needed() -> None:
    with pytest.raises(ModelError, match="description"):
        generated_to_length(SoundQuery(""), 1.0, 0, sample_rate=1000, window_s=10.0, draw=lambda *_: np.zeros((1, 9)))


@pytest.mark.parametrize(
    ("name", "variable"), [("audioldm2", "TALESCAPE_AUDIOLDM2"), ("stable-audio", "TALESCAPE_STABLE_AUDIO")]
)
def test_missing_weights_are_told_with_the_way_to_get_them(
    name: str, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv(variable, raising=False)
    sound_engine.cache_clear()
    found = engine_readiness("sound_effect", name)
    if found.ready:
        pytest.fail("this machine's hub cache was read although HF_HUB_CACHE names another")
    assert "hf download" in found.needs
    monkeypatch.setenv(variable, str(tmp_path))
    assert str(tmp_path) in engine_readiness("sound_effect", name).needs
    with pytest.raises(EngineUnavailable, match=variable):
        sound_engine("sound_effect", name)


def tiny_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    words = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", "<s>", "rain", "low", "quality"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", bos_token="<s>",
        model_max_length=16,
    )  # fmt: skip


def tiny_stable_audio(folder: Path) -> None:
    import torch
    from diffusers import AutoencoderOobleck, EDMDPMSolverMultistepScheduler, StableAudioDiTModel, StableAudioPipeline
    from diffusers.pipelines.stable_audio.modeling_stable_audio import StableAudioProjectionModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    text = T5Config(vocab_size=16, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    StableAudioPipeline(
        vae=AutoencoderOobleck(
            encoder_hidden_size=4, downsampling_ratios=[4, 4], decoder_channels=4, decoder_input_channels=4,
            audio_channels=2, channel_multiples=[1, 2], sampling_rate=2000,
        ),
        text_encoder=T5EncoderModel(text).eval(),
        projection_model=StableAudioProjectionModel(text_encoder_dim=8, conditioning_dim=8, min_value=0, max_value=32),
        tokenizer=tiny_tokenizer(folder),
        transformer=StableAudioDiTModel(
            sample_size=500, in_channels=4, num_layers=1, attention_head_dim=4, num_attention_heads=2,
            num_key_value_attention_heads=1, out_channels=4, cross_attention_dim=8, time_proj_dim=8,
            global_states_input_dim=16, cross_attention_input_dim=8,
        ),
        scheduler=EDMDPMSolverMultistepScheduler(prediction_type="v_prediction", sigma_schedule="exponential"),
    ).save_pretrained(folder)  # fmt: skip


@pytest.mark.filterwarnings("ignore::FutureWarning")  # diffusers uses a deprecated torch function
def test_stable_audio_loads_a_local_copy_and_repeats_by_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_stable_audio(tmp_path)
    stable_audio = importlib.import_module("models.effects.stable_audio")
    monkeypatch.setenv("TALESCAPE_STABLE_AUDIO", str(tmp_path))
    monkeypatch.setattr(stable_audio, "N_STEPS", 2)
    assert engine_readiness("sound_effect", "stable-audio").ready
    engine = stable_audio.StableAudio()
    first = engine.generate(QUERY, duration_s=1.5, seed=3)
    assert first.samples.shape == (2, 3000) and first.sample_rate == 2000
    assert np.array_equal(first.samples, engine.generate(QUERY, duration_s=1.5, seed=3).samples)
    assert not np.array_equal(first.samples, engine.generate(QUERY, duration_s=1.5, seed=4).samples)
    assert engine.generate(QUERY, duration_s=6.0, seed=3).samples.shape == (2, 12_000)
