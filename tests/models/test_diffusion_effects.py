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


def tiny_tokenizer() -> Any:
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
        tokenizer=tiny_tokenizer(),
        transformer=StableAudioDiTModel(
            sample_size=500, in_channels=4, num_layers=1, attention_head_dim=4, num_attention_heads=2,
            num_key_value_attention_heads=1, out_channels=4, cross_attention_dim=8, time_proj_dim=8,
            global_states_input_dim=16, cross_attention_input_dim=8,
        ),
        scheduler=EDMDPMSolverMultistepScheduler(prediction_type="v_prediction", sigma_schedule="exponential"),
    ).save_pretrained(folder)  # fmt: skip


@pytest.mark.filterwarnings("ignore::FutureWarning")  # diffusers uses a deprecated torch function
def test_stable_audio_loads_a_local_copy_and_repeats_by_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def tiny_audioldm2(folder: Path) -> None:
    import torch
    import transformers as tf
    from diffusers import AudioLDM2Pipeline, AutoencoderKL, DDIMScheduler
    from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2ProjectionModel, AudioLDM2UNet2DConditionModel

    torch.manual_seed(0)
    clap_text = tf.ClapTextConfig(
        vocab_size=16, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=40, projection_dim=8, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    clap_audio = tf.ClapAudioConfig(
        spec_size=8, window_size=2, num_mel_bins=8, hidden_size=16, patch_size=2, patch_stride=2, num_classes=2,
        depths=[1, 1], num_attention_heads=[2, 2], patch_embeds_hidden_size=8, projection_dim=8, num_hidden_layers=2,
    )  # fmt: skip
    clap = tf.ClapConfig(text_config=clap_text.to_dict(), audio_config=clap_audio.to_dict(), projection_dim=8)
    language = tf.GPT2LMHeadModel(tf.GPT2Config(n_embd=8, n_head=2, n_layer=1, vocab_size=16, n_ctx=64, n_positions=64))
    language.config.max_new_tokens = 4
    vocoder = tf.SpeechT5HifiGanConfig(
        model_in_dim=8, sampling_rate=16_000, upsample_initial_channel=8, upsample_rates=[2, 2],
        upsample_kernel_sizes=[4, 4], resblock_kernel_sizes=[3, 3], resblock_dilation_sizes=[[1, 3], [1, 3]],
        normalize_before=False,
    )  # fmt: skip
    letters = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"rain"])}
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁rain", -1.0)]
    t5 = tf.T5Config(vocab_size=16, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    AudioLDM2Pipeline(
        vae=AutoencoderKL(
            block_out_channels=(8, 16), in_channels=1, out_channels=1, norm_num_groups=8, latent_channels=4,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        ),
        text_encoder=tf.ClapModel(clap).eval(),
        text_encoder_2=tf.T5EncoderModel(t5).eval(),
        projection_model=AudioLDM2ProjectionModel(text_encoder_dim=8, text_encoder_1_dim=8, langauge_model_dim=8),
        language_model=language.eval(),
        tokenizer=tf.RobertaTokenizer(vocab=letters, merges=[], model_max_length=16),
        tokenizer_2=tf.T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=16),
        feature_extractor=tf.ClapFeatureExtractor(feature_size=8),
        unet=AudioLDM2UNet2DConditionModel(
            block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=8, sample_size=8, in_channels=4,
            out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), cross_attention_dim=(8, 8),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        ),
        scheduler=DDIMScheduler(),
        vocoder=tf.SpeechT5HifiGan(vocoder),
    ).save_pretrained(folder)  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # diffusers and transformers warn of each other
def test_audioldm2_loads_a_local_copy_and_repeats_by_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_audioldm2(tmp_path)
    audioldm2 = importlib.import_module("models.effects.audioldm2")
    monkeypatch.setenv("TALESCAPE_AUDIOLDM2", str(tmp_path))
    monkeypatch.setattr(audioldm2, "N_STEPS", 2)
    engine = audioldm2.AudioLdm2()
    first = engine.generate(QUERY, duration_s=1.0, seed=1)
    assert first.samples.shape == (1, 16_000) and first.sample_rate == 16_000
    assert np.array_equal(first.samples, engine.generate(QUERY, duration_s=1.0, seed=1).samples)
    assert not np.array_equal(first.samples, engine.generate(QUERY, duration_s=1.0, seed=2).samples)
