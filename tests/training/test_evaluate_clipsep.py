"""The paper's measure: SDR against closed forms, mixtures that a seed draws, and a table from real checkpoints."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from models.clip import Clip, write_clip
from models.clipsep.checkpoint import CheckpointConfig, save_checkpoint
from models.clipsep.net import NetConfig, SeparationNet
from models.clipsep.warp import stft, unwarp
from training.evaluate_clipsep import (
    N_SAMPLES,
    Pair,
    draw_pairs,
    evaluate_clipsep,
    masked_sdr_db,
    net_masks,
    reference_masks,
    sdr_db,
    table,
)
from training.sounds import DataUnusable, sound_of


def toy_sounds(folder: Path) -> Path:
    """Six clips of three concepts that lie in bands of their own."""
    rows = []
    for k, concept in enumerate(("low", "middle", "high") * 2):
        hz = 150.0 * 6 ** (k % 3) * (1 + 0.1 * (k // 3))
        wave = 0.4 * np.sin(2 * np.pi * hz * np.arange(80_000) / 16_000)
        write_clip(Clip(wave.astype(np.float32)[None], 16_000), folder / f"{k}.wav")
        rows.append({"file": f"{k}.wav", "set": "toy", "concept": concept, "fold": "4"})
    with (folder / "sounds.csv").open("w", newline="") as file:
        writer = csv.DictWriter(
            file, ("file", "set", "concept", "text", "fold", "licence", "author", "link"), restval=""
        )
        writer.writeheader()
        writer.writerows(rows)
    return folder / "sounds.csv"


def saved(folder: Path, query: str, labels: list[str], query_size: int) -> Path:
    config = NetConfig(width=1, query_size=query_size)
    torch.manual_seed(0)
    checkpoint = CheckpointConfig(net=config, query=query, labels=labels)  # type: ignore[arg-type]
    save_checkpoint(SeparationNet(config), checkpoint, folder)
    return folder


def test_sdr_is_the_closed_form_over_the_first_samples() -> None:
    source = torch.randn(N_SAMPLES)
    estimate = source * 0.9
    estimate[65_280:] = 1e6  # the spike at the end that is left out
    assert float(sdr_db(source, estimate)) == pytest.approx(20.0, abs=1e-4)


def test_sdr_equals_a_projection_free_reference() -> None:
    """Vincent et al. 2006 without allowed distortion, in numpy and double precision."""
    random = np.random.default_rng(0)
    source, estimate = random.standard_normal((2, 65_280))
    wanted = 10 * np.log10(np.sum(source**2) / np.sum((source - estimate) ** 2))
    assert float(sdr_db(torch.from_numpy(source), torch.from_numpy(estimate))) == pytest.approx(wanted, abs=1e-6)


def test_mixtures_are_drawn_by_the_seed_and_mix_different_concepts_at_equal_level() -> None:
    random = np.random.default_rng(0)
    waves = (random.standard_normal((6, 70_000)) * np.linspace(500, 6_000, 6)[:, None]).astype(np.int16)
    sounds = [sound_of(wave, f"concept {k // 2}", name=f"{k}") for k, wave in enumerate(waves)]
    pairs, again, other = (draw_pairs(sounds, 20, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one.waves, two.waves) for one, two in zip(pairs, again, strict=True))
    assert not all(np.array_equal(one.waves, two.waves) for one, two in zip(pairs, other, strict=True))
    for pair in pairs:
        power = np.square(pair.waves[:, :65_280]).mean(axis=1)
        assert 10 * np.log10(power[0] / power[1]) == pytest.approx(0.0, abs=0.01)
    with pytest.raises(DataUnusable, match="mixtures of 4 sounds"):
        draw_pairs(sounds, 1, 0, n_sources=4)


def test_the_references_score_what_arithmetic_says() -> None:
    """Uncorrelated sounds of equal level: 0 dB as they are, 3.01 dB at half, and far more with the ideal mask."""
    time = np.arange(N_SAMPLES) / 16_000
    waves = np.stack([np.sin(2 * np.pi * hz * time) * 0.1 for hz in (300, 3_000)]).astype(np.float32)
    whole, half, ideal = masked_sdr_db(
        Pair(waves, ("low", "high"), 0), reference_masks(Pair(waves, ("low", "high"), 0))
    )
    assert float(whole) == pytest.approx(0.0, abs=0.05)
    assert float(half) == pytest.approx(3.01, abs=0.05)
    assert float(ideal) > 25.0


def test_masks_of_several_queries_come_from_the_net_in_their_order() -> None:
    net = SeparationNet(NetConfig(width=1, query_size=2)).eval()
    mixture = (0.1 * np.random.default_rng(0).standard_normal(N_SAMPLES)).astype(np.float32)
    vectors = np.array([[3.0, 0.0], [0.0, -3.0]], np.float32)
    masks = net_masks(net, mixture, vectors)
    alone = net_masks(net, mixture, vectors[1:])
    assert masks.shape == (2, 513, 256)
    torch.testing.assert_close(masks[1:], alone)
    assert not torch.equal(masks[0], masks[1])
    assert unwarp(torch.ones(256, 1)).min() == 1.0 and stft(torch.zeros(N_SAMPLES)).shape[1] == 256


def test_levels_of_answers_are_measured_against_the_mixture(tmp_path: Path) -> None:
    """A net whose masks are one half everywhere answers 6 dB below the mixture, whatever it is asked."""
    labels = ["high", "low", "middle"]
    folder = saved(tmp_path / "label", "label", labels, 3)
    net = SeparationNet.load(folder)
    with torch.no_grad():
        net.scale.zero_()
        net.bias.zero_()
    save_checkpoint(net, CheckpointConfig(net=net.config, query="label", labels=labels), folder)
    sounds = toy_sounds(tmp_path)
    rows = evaluate_clipsep({"Half": folder}, sounds, collection="toy", n_pairs=8, levels=True)
    assert [row.query for row in rows[-2:]] == ["label, there", "label, not there"]
    assert [row.mean for row in rows[-2:]] == pytest.approx([-6.02, -6.02], abs=0.01)


def test_a_table_has_the_references_and_every_system(tmp_path: Path) -> None:
    sounds = toy_sounds(tmp_path)
    labels = saved(tmp_path / "label", "label", ["high", "low", "middle"], 3)
    pit = saved(tmp_path / "pit", "none", [], 2)
    rows = evaluate_clipsep({"LabelSep": labels, "PIT": pit}, sounds, collection="toy", n_pairs=4, n_sources=3)
    assert [row.system for row in rows] == ["Mixture", "Half mask", "Ideal binary mask", "LabelSep", "PIT"]
    mixture, ideal = rows[0], rows[2]
    assert mixture.mean == pytest.approx(-3.01, abs=0.1) and mixture.gain == 0.0 and mixture.count == 4
    assert ideal.gain == pytest.approx(ideal.mean - mixture.mean, abs=1e-6) and ideal.gain > 20
    text = table(rows)
    assert len(text.splitlines()) == 6 and "Ideal binary mask" in text
    assert rows == evaluate_clipsep({"LabelSep": labels, "PIT": pit}, sounds, collection="toy", n_pairs=4, n_sources=3)
