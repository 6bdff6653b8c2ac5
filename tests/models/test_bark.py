"""Bark on a tiny untrained copy that this test makes: it loads, speaks sentence by sentence, and repeats by seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.engines import engine_readiness, speech_engine
from models.errors import EngineUnavailable, VoiceUnknown
from models.speech.bark import PAUSE_S, VOICES, Bark


def tiny_bark(folder: Path) -> None:
    """The real vocabularies and codebooks, one narrow layer each, and a few tokens of speech."""
    import torch
    import transformers as tf
    from transformers.models.bark import configuration_bark as bark

    torch.manual_seed(0)
    narrow = {"num_layers": 1, "num_heads": 2, "hidden_size": 8, "block_size": 1024}
    codec = tf.EncodecConfig(
        num_filters=2, hidden_size=4, codebook_dim=4, num_lstm_layers=1, num_residual_layers=1, compress=2
    )
    config = bark.BarkConfig(
        semantic_config=bark.BarkSemanticConfig(input_vocab_size=129_600, output_vocab_size=10_048, **narrow).to_dict(),
        coarse_acoustics_config=bark.BarkCoarseConfig(
            input_vocab_size=12_096, output_vocab_size=12_096, **narrow
        ).to_dict(),
        fine_acoustics_config=bark.BarkFineConfig(input_vocab_size=1056, output_vocab_size=1056, **narrow).to_dict(),
        codec_config=codec.to_dict(),
    )
    model = tf.BarkModel(config).eval()
    for layer in model.codec_model.quantizer.layers:  # untrained codebooks are all zeros: every code would sound alike
        layer.codebook.embed.normal_()
    model.save_pretrained(folder)
    sampling = {"do_sample": True, "max_new_tokens": 8}
    settings = {"semantic_config": sampling, "coarse_acoustics_config": {"do_sample": True}}
    settings |= {"fine_acoustics_config": {}, "sample_rate": 24_000, "codebook_size": 1024}
    (folder / "generation_config.json").write_text(json.dumps(settings), "utf-8")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "there", "friend", ".", "!"]
    (folder / "vocab.txt").write_text("\n".join(tokens), "utf-8")
    tf.BertTokenizer(vocab={token: number for number, token in enumerate(tokens)}).save_pretrained(folder)
    shapes = {"semantic_prompt": (12,), "coarse_prompt": (2, 18), "fine_prompt": (8, 18)}
    presets: dict[str, Any] = {"repo_or_path": str(folder)}
    for voice in VOICES[:2]:
        presets[voice.name] = {}
        for kind, shape in shapes.items():
            name = f"{voice.name.replace('/', '_')}_{kind}.npy"
            np.save(folder / name, np.random.default_rng(len(name)).integers(0, 1000, shape))
            presets[voice.name][kind] = name
    (folder / "speaker_embeddings_path.json").write_text(json.dumps(presets), "utf-8")


@pytest.mark.filterwarnings("ignore")  # transformers warns of its own generation settings
def test_bark_loads_a_local_copy_and_repeats_by_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_bark(tmp_path)
    monkeypatch.setenv("TALESCAPE_BARK", str(tmp_path))
    assert engine_readiness("speech", "bark").ready
    engine = Bark()
    first = engine.speak("Hello there.", voice=VOICES[0].name, seed=3)
    assert first.sample_rate == 24_000 and first.samples.shape[0] == 1 and first.n_samples > 1_000
    assert np.isfinite(first.samples).all()
    assert np.array_equal(first.samples, engine.speak("Hello there.", voice=VOICES[0].name, seed=3).samples)
    other = engine.speak("Hello there.", voice=VOICES[0].name, seed=4).samples
    assert other.shape != first.samples.shape or not np.array_equal(first.samples, other)
    two = engine.speak("Hello there. Hello friend!", voice=VOICES[0].name, seed=3)
    pause = round(PAUSE_S * 24_000)
    assert np.array_equal(two.samples[:, : first.n_samples], first.samples)  # the first sentence, then a pause
    assert not two.samples[:, first.n_samples : first.n_samples + pause].any()
    assert two.n_samples > first.n_samples + pause


def test_missing_weights_are_told_with_the_way_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TALESCAPE_BARK", str(tmp_path / "nowhere"))
    speech_engine.cache_clear()
    assert "TALESCAPE_BARK names" in engine_readiness("speech", "bark").needs
    with pytest.raises(EngineUnavailable, match="config.json"):
        speech_engine("bark")


def test_an_unknown_voice_names_those_there_are() -> None:
    with pytest.raises(VoiceUnknown, match="'anna' is unknown; bark has: v2/en_speaker_0, .*v2/en_speaker_9"):
        Bark().speak("Hello", voice="anna", seed=0)


def test_words_of_nothing_are_refused() -> None:
    assert Bark().refuses("...") is not None
    assert Bark().refuses("Grüße") is None
