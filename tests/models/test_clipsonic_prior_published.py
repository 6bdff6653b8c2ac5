"""Published priors as tiny nets: numbers of DALLE2-pytorch itself, diffusers' own calls, broken files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from models.clipsonic.diffusion import cosine_schedule
from models.clipsonic.prior import drawn_noise, sample
from models.clipsonic.prior_laion import LaionNet, key_map, sizes_of
from models.clipsonic.prior_published import PUBLISHED, LaionPrior, plain_tensors, prior
from models.errors import CheckpointUnusable, EngineUnavailable

WIDTH, N_WORDS, N_TIMES = 16, 20, 50


def laion_tensors() -> dict[str, Tensor]:
    """Tensors as DALLE2-pytorch 1.15.6 names them (dim 16, 2 deep, 2 heads of 8, normformer), filled by place."""
    shapes: dict[str, tuple[int, ...]] = {
        "learned_query": (WIDTH,),
        "null_text_encodings": (1, N_WORDS, WIDTH),
        "null_text_embeds": (1, 1, WIDTH),
        "null_image_embed": (1, WIDTH),
        "to_time_embeds.0.weight": (N_TIMES, WIDTH),
        "causal_transformer.rel_pos_bias.relative_attention_bias.weight": (32, 2),
        "causal_transformer.norm.g": (WIDTH,),
        "causal_transformer.project_out.weight": (WIDTH, WIDTH),
    }
    for layer in range(2):
        name = f"causal_transformer.layers.{layer}"
        shapes |= {
            f"{name}.0.null_kv": (2, 8),
            f"{name}.0.norm.g": (WIDTH,),
            f"{name}.0.to_q.weight": (16, WIDTH),
            f"{name}.0.to_kv.weight": (16, WIDTH),
            f"{name}.0.rotary_emb.freqs": (4,),
            f"{name}.0.to_out.0.weight": (WIDTH, 16),
            f"{name}.0.to_out.1.g": (WIDTH,),
            f"{name}.1.0.g": (WIDTH,),
            f"{name}.1.1.weight": (64, WIDTH),
            f"{name}.1.3.g": (32,),
            f"{name}.1.5.weight": (WIDTH, 32),
        }
    tensors = {
        name: torch.from_numpy((0.3 * np.random.default_rng(place).standard_normal(shapes[name])).astype(np.float32))
        for place, name in enumerate(sorted(shapes))
    }
    rates = "causal_transformer.layers.{}.0.rotary_emb.freqs"  # all layers share them
    return tensors | {rates.format(0): tensors[rates.format(1)].clone()}


def laion_net() -> LaionNet:
    tensors = laion_tensors()
    sizes = sizes_of(tensors, Path("toy"))
    net = LaionNet(sizes)
    net.load_state_dict({key_map(sizes)[name]: tensor for name, tensor in tensors.items()})
    return net.eval()


def test_laions_net_gives_the_numbers_of_dalle2_pytorch() -> None:
    """Printed by DiffusionPriorNetwork of dalle2-pytorch 1.15.6 on the same tensors: told, and with all dropped."""
    random = np.random.default_rng(100)
    x = torch.from_numpy(random.standard_normal((2, WIDTH)).astype(np.float32))
    text = functional.normalize(torch.from_numpy(random.standard_normal((2, WIDTH)).astype(np.float32)), dim=1)
    words = torch.from_numpy(random.standard_normal((2, N_WORDS, WIDTH)).astype(np.float32))
    words[0, 4:] = 0.0
    net, time = laion_net(), torch.tensor([3.0, 40.0])
    with torch.no_grad():
        told = net(x, time, text, words)
        dropped = net(x, time, text, words, torch.tensor([True, False]))
    expected = [
        [0.02435, 0.25715, 0.55784, 0.19128, 0.73002, 0.30095, 0.13256, -0.2582]
        + [0.40711, 0.54151, -0.09028, 0.24383, -0.01955, 0.52893, 0.35657, 0.03984],
        [0.16683, 0.172, 0.4638, -0.02696, 0.48519, 0.38069, -0.05874, -0.17048]
        + [0.57832, 0.49683, -0.14143, 0.39815, 0.08833, 0.08644, 0.6076, -0.00987],
    ]
    without = [-0.02771, 0.18951, 0.35781, 0.16992, 0.58179, 0.31312, 0.15124, -0.35829]
    without += [0.35163, 0.47771, 0.17447, 0.19354, 0.22792, 0.27684, 0.31691, 0.05602]
    torch.testing.assert_close(told, torch.tensor(expected), rtol=0, atol=2e-5)
    torch.testing.assert_close(dropped, torch.tensor([without, expected[1]]), rtol=0, atol=2e-5)


class ToyClip:
    """Stands for CLIP ViT-L/14: states and vectors that depend on the text's length."""

    def text_states(self, texts: list[str]) -> tuple[Any, Any, Any]:
        states = np.stack([np.sin(np.arange(N_WORDS * WIDTH) * (len(text) + 1)) for text in texts])
        states = states.reshape(len(texts), N_WORDS, WIDTH).astype(np.float32)
        mask = np.arange(N_WORDS)[None] < np.array([[len(text)] for text in texts])
        return 5.0 * states[:, 0], states, mask


def test_laions_prior_draws_unit_vectors_by_seed_and_keeps_the_nearest() -> None:
    toy = LaionPrior(laion_net(), ToyClip(), "toy")  # type: ignore[arg-type]
    first = toy.vectors(["rain", "a dog"], seed=3, n_steps=8)
    assert np.array_equal(first, toy.vectors(["rain", "a dog"], seed=3, n_steps=8))
    assert np.linalg.norm(first, axis=1) == pytest.approx([1.0, 1.0], rel=1e-5)
    text = ToyClip().text_states(["rain"])[0][0]
    cosines = [
        float(toy.vectors(["rain"], seed=0, n_draws=n, n_steps=4)[0] @ text / np.linalg.norm(text)) for n in (1, 32)
    ]
    assert cosines[1] > cosines[0]
    guided = toy.vectors(["rain", "a dog"], seed=3, n_steps=8, guidance=3.0)
    assert not np.allclose(guided, first, atol=1e-3)


def test_published_files_are_read_as_plain_tensors(tmp_path: Path) -> None:
    tensors = laion_tensors()
    save_file(tensors, tmp_path / "net.safetensors")
    wrapped = {f"net.{name}": tensor for name, tensor in tensors.items()} | {"clip.logit_scale": torch.zeros(1)}
    torch.save({"ema_model": wrapped, "model": {}, "step": 3}, tmp_path / "latest.pth")
    for name in ("net.safetensors", "latest.pth"):
        found = plain_tensors(tmp_path / name)
        assert found.keys() == tensors.keys()
        assert all(torch.equal(found[key], tensors[key]) for key in tensors)


def test_broken_and_foreign_files_are_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return print, ("code ran",)

    torch.save({"model": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointUnusable, match=r"evil\.pth: cannot be read as plain tensors"):
        prior(f"laion:{tmp_path / 'evil.pth'}")
    torch.save({"model": {"weight": torch.zeros(3)}}, tmp_path / "other.pth")
    with pytest.raises(CheckpointUnusable, match="is not a prior of DALLE2-pytorch"):
        prior(f"laion:{tmp_path / 'other.pth'}")
    tensors = laion_tensors()
    del tensors["causal_transformer.layers.1.1.5.weight"]
    save_file(tensors, tmp_path / "half.safetensors")
    with pytest.raises(CheckpointUnusable, match="is of another net"):
        prior(f"laion:{tmp_path / 'half.safetensors'}")
    with pytest.raises(CheckpointUnusable, match="is not a file; get one with `hf download laion/DALLE2-PyTorch`"):
        prior("laion:")
    assert set(PUBLISHED) == {"laion", "karlo"}


def saved_tiny_karlo(folder: Path) -> None:
    """Random weights in the layout of Karlo's prior: diffusers' transformer, a text model and its tokenizer."""
    from diffusers import PriorTransformer
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = PriorTransformer(
            num_attention_heads=2, attention_head_dim=8, num_layers=2, embedding_dim=16, num_embeddings=12
        )
        net.clip_mean.data.normal_()
        net.clip_std.data.uniform_(0.5, 2.0)
        text = CLIPTextModelWithProjection(
            CLIPTextConfig(
                vocab_size=600,
                hidden_size=16,
                intermediate_size=32,
                projection_dim=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=12,
                bos_token_id=513,
                eos_token_id=514,
            )
        )
    net.save_pretrained(folder / "prior")
    text.save_pretrained(folder / "text_encoder")
    letters = [chr(number) for number in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer" / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 12, "pad_token": "<|endoftext|>"})
    )


def test_karlos_prior_is_diffusers_net_asked_with_and_without_the_words(tmp_path: Path) -> None:
    """The draw is made once more from diffusers' and transformers' own calls."""
    from diffusers import PriorTransformer
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    saved_tiny_karlo(tmp_path)
    made = prior(f"karlo:{tmp_path}").vectors(["rain"], seed=5, n_draws=1, n_steps=3)
    net = PriorTransformer.from_pretrained(tmp_path / "prior")
    tower = CLIPTextModelWithProjection.from_pretrained(tmp_path / "text_encoder")
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path / "tokenizer")
    tokens = tokenizer(["rain", ""], padding="max_length", max_length=12, truncation=True, return_tensors="pt")
    with torch.no_grad():
        said = tower(**{"input_ids": tokens.input_ids})

        def denoise(x: Tensor, time: Tensor) -> Tensor:
            both = net(
                torch.cat([x, x]),
                torch.cat([time, time]),
                said.text_embeds,
                said.last_hidden_state,
                tokens.attention_mask.bool(),
            ).predicted_image_embedding
            return both[1:] + 4.0 * (both[:1] - both[1:])

        drawn = sample(denoise, drawn_noise(3, (1, 16), seed=5), cosine_schedule(1_000), clip=5.0)
        expected = drawn * net.clip_std + net.clip_mean
    np.testing.assert_allclose(made, expected.numpy(), rtol=1e-3, atol=1e-4)


def test_a_karlo_that_is_not_there_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TALESCAPE_KARLO", "")
    with pytest.raises(EngineUnavailable, match="hf download kakaobrain/karlo-v1-alpha"):
        prior("karlo")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointUnusable, match="empty: is not a prior in diffusers' layout"):
        prior(f"karlo:{tmp_path / 'empty'}")
