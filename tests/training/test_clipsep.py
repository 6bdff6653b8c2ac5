"""The recipe of CLIPSep: losses against the formulas, learning toys by heart, finite NIT, recipes and queries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.clipsep.checkpoint import CheckpointConfig, load_config, load_net, save_checkpoint
from models.clipsep.net import NetConfig, SeparationNet, initialise
from models.clipsep.warp import stft, unwarp, unwarp_transposed, warp
from training.clipsep import (
    Learner,
    LossConfig,
    Recipe,
    batch_drawer,
    log_error,
    noise_invariant,
    permutation_invariant,
    read_recipe,
    source_spectra,
    train_recipe,
    warped_energies,
)
from training.loop import LoopConfig, fit
from training.mixtures import Mixer, MixtureConfig
from training.queries import QueriesConfig, label_vectors, picture_bank, query_banks
from training.sounds import DataUnusable, SoundsConfig, sound_of
from training.warm_start import labelled as labelled_net
from training.warm_start import start_from_labels, widened

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
CONCEPTS = ("low", "high", "noise", "clicks")


def toy_wave(concept: str, seed: int) -> NDArray[np.int16]:
    random, time = np.random.default_rng(seed), np.arange(40_000) / 16_000
    if concept == "noise":
        wave = 0.2 * random.standard_normal(len(time))
    elif concept == "clicks":
        wave = np.where(np.arange(len(time)) % 4000 < 40, 0.8, 0.0) * random.standard_normal(len(time))
    else:
        hz = {"low": 220.0, "high": 2500.0}[concept] * (1 + 0.1 * random.random())
        wave = sum(0.3 / k * np.sin(2 * np.pi * k * hz * time) for k in (1, 2, 3))
    return np.round(np.clip(wave, -1, 1) * 32767).astype(np.int16)


TOYS = [sound_of(toy_wave(concept, take), concept, name=f"{concept} {take}") for take in (0, 1) for concept in CONCEPTS]
MIXTURES = MixtureConfig(batch_size=4, n_frames=128, levels="equal")


def toy_recipe(**more: object) -> Recipe:
    fields = {
        "recipe": "clipsep",
        "name": "toy",
        "net": NetConfig(width=4, query_size=4),
        "sounds": SoundsConfig(table="none.csv", collections=["toy"]),
        "mixtures": MIXTURES,
        "queries": QueriesConfig(kind="label"),
        "loop": LoopConfig(n_steps=1, warm_up_steps=0, bf16=False),
    }
    return Recipe.model_validate(fields | more)


def toy_batch(loss: LossConfig, mixtures: MixtureConfig = MIXTURES) -> dict[str, Tensor]:
    bank = query_banks(QueriesConfig(kind="label"), CONCEPTS)
    return batch_drawer(Mixer(TOYS, mixtures), bank, QueriesConfig(kind="label"), loss, seed=1)(0)


def test_the_net_learns_eight_clips_by_heart() -> None:
    """One fixed batch of mixtures of the eight toys: the loss must fall to a fraction, on a CPU, in seconds."""
    config = LossConfig(absent_weight=0.25)
    batch = toy_batch(config)
    net = SeparationNet(NetConfig(width=4, query_size=4))
    initialise(net, 0)
    learner = Learner(net, config, "label")
    optimizer = torch.optim.Adam(learner.parameters(), 5e-3)
    losses = []
    for _ in range(80):
        loss, _ = learner(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]


def test_the_published_loss_is_the_weighted_cross_entropy_of_binary_masks() -> None:
    """Written out once more from the paper, on linear spectra that are warped afterwards."""
    batch = toy_batch(LossConfig())
    net = SeparationNet(NetConfig(width=2, query_size=4)).eval()
    loss, _ = Learner(net, LossConfig(), "label").eval()(batch)
    waves = batch["waves"]
    mixture = warp(stft(waves.sum(1)).abs() + 1e-10)
    weight = mixture.log1p().clamp(1e-3, 10)
    with torch.no_grad():
        masks = net(mixture.log()[:, None], batch["vectors"])
    terms = []
    for source in (0, 1):
        target = (warp(stft(waves[:, source]).abs()) > 0.5 * mixture).float()
        terms.append(functional.binary_cross_entropy(masks[:, source], target, weight))
    assert loss.item() == pytest.approx(float(torch.stack(terms).mean()), rel=1e-4)


def test_the_mixture_gain_changes_what_the_net_hears_and_not_how_much_it_counts() -> None:
    batch = toy_batch(LossConfig())
    learner = Learner(SeparationNet(NetConfig(width=2, query_size=4)).eval(), LossConfig(), "label").eval()
    seen: list[Tensor] = []
    learner.net.input_norm.register_forward_hook(lambda _module, given, _out: seen.append(given[0]))
    learner(batch)
    learner(batch | {"mixture_gain": torch.full((4,), 0.1)})
    torch.testing.assert_close(seen[1], seen[0] - np.log(10.0), rtol=0, atol=1e-4)


def test_the_log_error_is_bounded_by_and_near_the_true_error() -> None:
    """Against the error of the unwarped mask, bin by bin in complex numbers."""
    batch = toy_batch(LossConfig())
    sources, mixture = source_spectra(batch)
    masks = torch.rand(4, 2, 256, 1, generator=torch.Generator().manual_seed(0)).expand(4, 2, 256, 128)
    found = float(log_error(masks, *warped_energies(sources, mixture)))
    spectra = stft(batch["waves"])
    heard = spectra.sum(1, keepdim=True)
    difference = unwarp(masks) * heard - spectra
    whole = heard.abs().square().sum((2, 3))
    wanted = float(torch.log(difference.abs().square().sum((2, 3)) / whole + 1e-3).mean())
    assert wanted <= found < wanted + 0.3
    flat = torch.full((4, 2, 256, 128), 0.3)
    exact = (0.3 * heard - spectra).abs().square().sum((2, 3))
    found = float(log_error(flat, *warped_energies(sources, mixture)))
    assert found == pytest.approx(float(torch.log(exact / whole + 1e-3).mean()), rel=1e-3)


def test_a_third_sound_is_noise_inside_the_first_source() -> None:
    batch = toy_batch(LossConfig(), MIXTURES.model_copy(update={"noise_share": 1.0}))
    sources, mixture = source_spectra(batch)
    waves = batch["waves"]
    assert waves.shape[1] == 3 and waves[:, 2].any()
    torch.testing.assert_close(sources.real[:, 0], stft(waves[:, 0] + waves[:, 2]).real, rtol=0, atol=1e-4)
    torch.testing.assert_close(sources.real[:, 1], stft(waves[:, 1]).real, rtol=0, atol=1e-4)
    torch.testing.assert_close(mixture.imag[:, 0], stft(waves.sum(1)).imag, rtol=0, atol=1e-4)


def test_the_transpose_of_unwarp_is_its_transpose() -> None:
    masks, energies = torch.rand(3, 256, 5), torch.rand(3, 513, 5)
    torch.testing.assert_close((unwarp(masks) * energies).sum(), (masks * unwarp_transposed(energies)).sum())


def test_the_loss_of_nit_takes_the_cheaper_assignment_of_each_mixture() -> None:
    random = torch.Generator().manual_seed(0)
    masks, noise = 0.45 * torch.rand(3, 2, 8, 4, generator=random), 0.45 * torch.rand(3, 2, 8, 4, generator=random)
    targets = (torch.rand(3, 2, 8, 4, generator=random) > 0.5).float()
    weight = torch.rand(3, 1, 8, 4, generator=random)
    total, facts = noise_invariant(masks, noise, targets, weight, LossConfig())

    def entropy(b: int, query: int, head: int) -> float:
        p, y = masks[b, query] + noise[b, head], targets[b, query]
        return float(-(weight[b, 0] * (y * p.log() + (1 - y) * (1 - p).log())).mean())

    cheaper = [min(entropy(b, 0, 0) + entropy(b, 1, 1), entropy(b, 0, 1) + entropy(b, 1, 0)) / 2 for b in range(3)]
    activity = float((noise[:, 0] + noise[:, 1]).mean())
    assert float(facts["noise_activity"]) == pytest.approx(activity, rel=1e-5)
    assert float(total) == pytest.approx(np.mean(cheaper) + 0.1 * max(0.0, activity - 0.25), rel=1e-4)


def test_nit_from_the_published_start_stays_finite(tmp_path: Path) -> None:
    """At that start the summed masks saturate; the heads join later, and every loss and gradient is a number."""
    loss = LossConfig(n_steps_without_heads=3)
    net = SeparationNet(NetConfig(width=2, query_size=4, n_noise_heads=2))
    initialise(net, 0)
    draw = batch_drawer(
        Mixer(TOYS, MIXTURES), query_banks(QueriesConfig(kind="label"), CONCEPTS), QueriesConfig(), loss, 0
    )
    lines: list[dict[str, float]] = []
    fit(
        Learner(net, loss, "label"),
        draw,
        LoopConfig(n_steps=8, warm_up_steps=0, bf16=False, log_every=1),
        tmp_path,
        report=lines.append,
    )
    assert ["noise_activity" in line for line in lines] == [False] * 3 + [True] * 5
    assert all(np.isfinite(list(line.values())).all() for line in lines)
    assert all(torch.isfinite(weight).all() for weight in net.parameters())


def test_pit_does_not_mind_the_order_of_the_sources() -> None:
    logits, targets = torch.randn(2, 2, 4, 4), (torch.rand(2, 2, 4, 4) > 0.5).float()
    weight = torch.rand(2, 1, 4, 4)
    there, back = (permutation_invariant(logits, order, weight)[0] for order in (targets, targets.flip(1)))
    assert float(there) == pytest.approx(float(back), rel=1e-6)


def test_bfloat16_features_are_near_those_in_float32() -> None:
    """A width of one column in the innermost map once came out unset on some processors."""
    net = SeparationNet(NetConfig(width=16, query_size=4))
    log_mag = 3 * torch.randn(2, 1, 256, 128, generator=torch.Generator().manual_seed(0)) - 5
    with torch.no_grad():
        wanted = net.features(log_mag)
        for _ in range(3):
            with torch.autocast("cpu", torch.bfloat16):
                found = net.features(log_mag).float()
            assert float((found - wanted).norm() / wanted.norm()) < 0.05


@pytest.mark.parametrize("kind", ["label", "none"])
def test_baselines_without_an_encoder_train_to_a_checkpoint(kind: str, tmp_path: Path) -> None:
    size = 4 if kind == "label" else 2
    recipe = toy_recipe(queries=QueriesConfig(kind=kind), net=NetConfig(width=1, query_size=size))
    folder = train_recipe(recipe, TOYS, tmp_path)
    config = load_config(folder)
    assert (config.query, config.labels) == (kind, sorted(CONCEPTS) if kind == "label" else [])
    assert config.trained["mixtures"] == 4


def test_hybrid_queries_take_turns_between_pictures_and_texts() -> None:
    banks = [{concept: np.full((1, 4), place, np.float32) for concept in CONCEPTS} for place in (0, 1)]
    draw = batch_drawer(Mixer(TOYS, MIXTURES), banks, QueriesConfig(kind="hybrid"), LossConfig(), 0)
    assert [float(draw(step)["vectors"].unique()) for step in range(4)] == [0, 1, 0, 1]


def test_picture_vectors_are_read_by_concept_and_split(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    np.savez(
        path,
        vectors=np.arange(8, dtype=np.float32).reshape(4, 2),
        concepts=np.array(["dog", "dog", "cat", "dog"]),
        split=np.array(["train", "test", "train", "train"]),
    )
    bank = picture_bank(path, "train", ["dog", "owl"])
    assert list(bank) == ["dog"] and bank["dog"].tolist() == [[0.0, 1.0], [6.0, 7.0]]
    with pytest.raises(DataUnusable, match="no train picture of any concept; it knows cat, dog"):
        picture_bank(path, "train", ["owl"])
    path.write_bytes(b"nothing")
    with pytest.raises(DataUnusable, match=r"vectors\.npz: is not a file of picture vectors"):
        picture_bank(path, "train", ["dog"])


def test_label_vectors_have_elements_of_about_unit_variance() -> None:
    vectors = label_vectors(9)
    assert np.square(vectors).mean() == pytest.approx(1.0) and np.count_nonzero(vectors) == 9


def test_a_start_from_labels_keeps_the_net_and_answers_pictures_as_it_answered_labels(tmp_path: Path) -> None:
    folder = train_recipe(toy_recipe(net=NetConfig(width=1, query_size=4)), TOYS, tmp_path)
    labelled, random = load_net(folder), np.random.default_rng(0)
    with torch.no_grad():
        labelled.query_layer.weight.normal_(generator=torch.Generator().manual_seed(0))
    save_checkpoint(labelled, load_config(folder), folder, half=False)
    centres = 3 * random.standard_normal((4, 8)).astype(np.float32)
    names = sorted(CONCEPTS)
    pictures = [centre + 0.05 * random.standard_normal((20, 8)).astype(np.float32) for centre in centres]
    net = SeparationNet(NetConfig(width=1, query_size=8))
    start_from_labels(net, folder, [dict(zip(names, pictures, strict=True))])
    assert torch.equal(net.up_convs[3].weight, labelled.up_convs[3].weight)
    with torch.no_grad():
        wanted = labelled.query_logits(torch.from_numpy(label_vectors(4)))
        found = net.query_logits(torch.from_numpy(centres))
    torch.testing.assert_close(found, wanted, rtol=0.05, atol=0.1)
    wide_folder = tmp_path / "wide"
    config = NetConfig(width=2, query_size=4)
    save_checkpoint(SeparationNet(config), load_config(folder).model_copy(update={"net": config}), wide_folder)
    with pytest.raises(
        DataUnusable, match="is a label net of width 2; this run starts from a label net of width 3, or of a"
    ):
        start_from_labels(SeparationNet(NetConfig(width=3)), wide_folder, [])
    with pytest.raises(DataUnusable, match="shares no concept with the queries; it knows clicks"):
        start_from_labels(net, folder, [{"owl": centres}])


def test_pit_begins_with_the_net_of_labels_and_two_masks_that_differ(tmp_path: Path) -> None:
    """Two masks that are alike at the start stay alike: then neither order of the sources is the cheaper one."""
    folder = train_recipe(toy_recipe(net=NetConfig(width=1, query_size=4)), TOYS, tmp_path / "labels")
    still = LoopConfig(n_steps=1, warm_up_steps=1, learning_rate=1e-12, bf16=False)
    queries, net = QueriesConfig(kind="none"), NetConfig(width=1, query_size=2)
    begun = train_recipe(toy_recipe(queries=queries, net=net, start=str(folder), loop=still), TOYS, tmp_path / "pit")
    assert torch.equal(load_net(begun).up_convs[3].weight, load_net(folder).up_convs[3].weight)
    with torch.no_grad():
        first, second = load_net(begun).query_logits(torch.from_numpy(label_vectors(2)))
    assert (first - second).abs().mean() > 0.1


def test_a_widened_net_computes_the_same_but_for_its_noise() -> None:
    narrow, wide = SeparationNet(NetConfig(width=2, query_size=4)), SeparationNet(NetConfig(width=6, query_size=4))
    for norm in (module for module in narrow.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    log_mag, vectors = torch.randn(2, 1, 256, 128), torch.randn(2, 3, 4)
    wanted = narrow.eval()(log_mag, vectors)
    wide.load_state_dict(widened(narrow.state_dict(), 3, noise=0.0))
    torch.testing.assert_close(wide.eval()(log_mag, vectors), wanted, rtol=1e-4, atol=1e-5)
    wide.load_state_dict(widened(narrow.state_dict(), 3))
    assert not torch.equal(wide.up_convs[3].weight[0], wide.up_convs[3].weight[1])
    torch.testing.assert_close(wide(log_mag, vectors), wanted, rtol=0.1, atol=0.02)


def test_a_net_asked_by_pictures_becomes_one_asked_by_labels_that_answers_alike(tmp_path: Path) -> None:
    net = SeparationNet(NetConfig(width=1, query_size=3))
    save_checkpoint(net, CheckpointConfig(net=net.config, encoder="bundled"), tmp_path / "asked", half=False)
    vectors = np.array([[1, 0, 0], [3, 0, 0], [0, 5, 1]], np.float32)
    names, split = np.array(["dog", "dog", "owl"]), np.array(["train"] * 3)
    np.savez(tmp_path / "vectors.npz", vectors=vectors, concepts=names, split=split)
    labelled_net(tmp_path / "asked", tmp_path / "vectors.npz", tmp_path / "labelled")
    config, answer = load_config(tmp_path / "labelled"), load_net(tmp_path / "labelled")
    assert (config.query, config.labels, config.encoder) == ("label", ["dog", "owl"], "")
    with torch.no_grad():
        found = answer.query_logits(torch.from_numpy(label_vectors(2)))
        wanted = net.query_logits(torch.tensor([[2.0, 0.0, 0.0], [0.0, 5.0, 1.0]]))
    torch.testing.assert_close(found, wanted, rtol=2e-3, atol=2e-3)  # half precision


def test_queries_of_another_size_than_the_net_are_refused_with_both_numbers(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="queries have 4 numbers, net.query_size is 5"):
        train_recipe(toy_recipe(net=NetConfig(width=1, query_size=5)), TOYS, tmp_path)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("clipsep*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_read(path: Path) -> None:
    assert read_recipe(path).name


def test_a_wrong_recipe_is_refused_with_the_key(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("recipe: clipsep\nname: x\nloop: {n_steps: many}\n")
    with pytest.raises(DataUnusable, match=r"wrong\.yaml: .*loop\.n_steps: Input should be a valid integer"):
        read_recipe(path)
    path.write_text("{")
    with pytest.raises(DataUnusable, match="is not YAML"):
        read_recipe(path)
