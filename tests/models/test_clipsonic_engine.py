"""CLIPSonic as an engine, walked from words to samples with a toy net; what it refuses; what it says it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from clipsonic_toys import KNOWN, MEL, ToyEncoder, ToyPrior, ToyVocoder, toy_engine, toy_folder
from numpy.typing import NDArray

from models.clip import Clip
from models.clipsonic.engine import ClipSonic, Options
from models.clipsonic.knows import Known, Knows, Likeness, read_knows, write_knows
from models.clipsonic.queries import query_vector
from models.clipsonic.samplers import SamplingUnusable
from models.engines import SoundQuery, engine_readiness
from models.errors import CheckpointUnusable, QueryUnusable, SynthesisFailed

DOG = SoundQuery("dog barking")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ClipSonic:
    return toy_engine(tmp_path_factory.mktemp("clipsonic"))


@pytest.mark.parametrize("bed", [False, True])
@pytest.mark.parametrize("duration_s", [0.05, 0.7, 1.28, 5.0])
def test_a_sound_is_as_long_as_it_is_asked_to_be(engine: ClipSonic, duration_s: float, bed: bool) -> None:
    clip = engine.generate(replace(DOG, bed=bed), duration_s=duration_s, seed=1)
    assert clip.sample_rate == 48_000 and clip.n_channels == 1
    assert clip.n_samples == round(duration_s * 48_000)
    assert 0.001 < float(np.abs(clip.samples).max()) <= 0.9


def test_ten_minutes_are_made_a_few_windows_at_a_time(engine: ClipSonic, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    net = engine._net

    def watched(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(x.shape))
        return net(x, *rest)

    monkeypatch.setitem(engine.__dict__, "_net", watched)
    clip = engine.sonify(replace(DOG, bed=True), duration_s=600.0, seed=1, options=Options("ddim", 1))
    assert clip.n_samples == 28_800_000
    assert max(size[0] for size in sizes) <= 8 and {size[1:] for size in sizes} == {(8, 64)}


def test_natural_lengths_are_an_event_and_a_bed(engine: ClipSonic) -> None:
    event, bed = (engine.generate(replace(DOG, bed=bed), duration_s=None, seed=1) for bed in (False, True))
    assert event.duration_s <= 64 * MEL.hop / MEL.sample_rate
    assert bed.duration_s == 12.0


def test_the_same_seed_gives_the_same_samples_whatever_the_threads(engine: ClipSonic) -> None:
    n_threads = torch.get_num_threads()
    try:
        made = []
        for count in (1, 2, 1):
            torch.set_num_threads(count)
            made.append(engine.generate(DOG, duration_s=2.0, seed=5).samples)
    finally:
        torch.set_num_threads(n_threads)
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[0], made[2])
    assert not np.array_equal(made[0], engine.generate(DOG, duration_s=2.0, seed=6).samples)
    assert not np.array_equal(made[0], engine.generate(SoundQuery("rain"), duration_s=2.0, seed=5).samples)


@pytest.mark.parametrize("seed", [-1, 0, 2**63, 2**80])
def test_any_whole_number_is_a_seed(engine: ClipSonic, seed: int) -> None:
    assert engine.generate(DOG, duration_s=0.5, seed=seed).n_samples == 24_000


@pytest.mark.parametrize("sampler", ["ancestral", "ddim", "dpm++"])
def test_every_sampler_makes_a_sound_and_tells_its_steps(engine: ClipSonic, sampler: str) -> None:
    told: list[tuple[int, int]] = []
    options = Options(sampler, 4, 2.0)  # type: ignore[arg-type]
    engine.sonify(DOG, duration_s=0.5, seed=1, options=options, report=lambda done, all: told.append((done, all)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_flow_nets_make_sounds_too(tmp_path: Path) -> None:
    flow = toy_engine(tmp_path, prediction="flow")
    assert flow.sonify(DOG, duration_s=0.5, seed=1, options=Options("euler")).n_samples == 24_000
    assert flow.generate(DOG, duration_s=0.5, seed=1).n_samples == 24_000


def test_a_learned_variance_serves_the_ancestral_sampler(tmp_path: Path) -> None:
    learned = toy_engine(tmp_path, learned_variance=True, prediction="noise")
    assert learned.sonify(DOG, duration_s=0.5, seed=1, options=Options("ancestral", 5)).n_samples == 24_000


# Queries


def test_words_go_through_the_prior_and_pictures_do_not() -> None:
    encode, prior = ToyEncoder(), ToyPrior()
    words = query_vector(SoundQuery(" dog "), encode, prior, seed=3)
    assert np.array_equal(words, np.full(6, 3.0))
    picture = query_vector(SoundQuery("", Path("dog.png")), encode, prior, seed=3)
    assert np.array_equal(picture, encode.texts(["dog"])[0])
    both = query_vector(SoundQuery("dog", Path("dog.png")), encode, prior, seed=3)
    assert both == pytest.approx((words + picture) / 2)
    directly = query_vector(SoundQuery("dog"), encode, None, seed=3)
    assert directly == pytest.approx(encode.texts([p.format("dog") for p in PROMPTS]).mean(0), abs=1e-6)


PROMPTS = ["{}", "a photo of {}.", "a photo of the small {}.", "a low resolution photo of a {}.", "a photo of many {}."]


def test_a_net_that_learned_from_words_takes_no_prior(tmp_path: Path) -> None:
    folder = toy_folder(tmp_path, encoder_kind="text")
    told = {"words_encoder": ToyEncoder(), "wave_maker": ToyVocoder(), "text_prior": ToyPrior()}
    assert "toy-3" not in ClipSonic(folder, **told).version  # type: ignore[arg-type]
    assert "toy-3" in ClipSonic(toy_folder(tmp_path / "other"), **told).version  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "duration_s", "told"),
    [
        (SoundQuery(""), None, "nothing is asked for"),
        (SoundQuery("  \n"), 1.0, "nothing is asked for"),
        (SoundQuery("dog " * 501), 1.0, "2,004 characters, at most 2,000"),
        (DOG, 0.049, "give 0.05 to 600 s"),
        (DOG, 600.1, "give 0.05 to 600 s"),
        (DOG, -1.0, "give 0.05 to 600 s"),
        (DOG, float("nan"), "give 0.05 to 600 s"),
    ],
)
def test_queries_that_say_nothing_are_refused(
    engine: ClipSonic, query: SoundQuery, duration_s: float | None, told: str
) -> None:
    with pytest.raises(QueryUnusable, match=told):
        engine.generate(query, duration_s=duration_s, seed=1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (Options(guidance=-1.0), "guidance -1 cannot be used; give 0 to 20"),
        (Options(n_steps=0), "0 steps cannot be taken"),
        (Options(sampler="euler"), "there are: ancestral, ddim"),
    ],
)
def test_sampling_that_means_nothing_is_refused(engine: ClipSonic, options: Options, told: str) -> None:
    with pytest.raises(SamplingUnusable, match=told):
        engine.sonify(DOG, duration_s=1.0, seed=1, options=options)


def test_an_encoder_of_another_version_or_size_is_refused(tmp_path: Path) -> None:
    other = toy_engine(tmp_path / "a", encoder_version="toy-0")
    with pytest.raises(CheckpointUnusable, match="trained on vectors of toy-0, the encoder bundled is toy-1"):
        other.generate(DOG, duration_s=1.0, seed=1)
    wider = toy_engine(tmp_path / "b", query_size=7)
    with pytest.raises(CheckpointUnusable, match="queries of 7 numbers, the encoder bundled gives 6"):
        wider.generate(DOG, duration_s=1.0, seed=1)


def test_a_vocoder_of_other_mels_is_refused(tmp_path: Path) -> None:
    finer = toy_engine(tmp_path, mel=replace(MEL, hop=160))
    with pytest.raises(CheckpointUnusable, match="hop=160.* its vocoder reads .*hop=320"):
        finer.generate(DOG, duration_s=1.0, seed=1)


def test_missing_weights_are_told_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(CheckpointUnusable, match="nowhere: is not a folder"):
        ClipSonic(tmp_path / "nowhere").generate(DOG, duration_s=1.0, seed=1)


def test_silent_draws_are_drawn_anew_and_told_when_they_stay_silent(tmp_path: Path) -> None:
    class Mute(ToyVocoder):
        n_silent = 2

        def waveform(self, log_mel: torch.Tensor) -> Clip:
            self.n_silent -= 1
            made = super().waveform(log_mel)
            return replace(made, samples=made.samples * np.float32(self.n_silent < 0))

    mute = Mute()
    engine = ClipSonic(toy_folder(tmp_path), words_encoder=ToyEncoder(), wave_maker=mute)
    assert float(np.abs(engine.generate(DOG, duration_s=1.0, seed=1).samples).max()) > 0
    mute.n_silent = 3
    with pytest.raises(SynthesisFailed, match="3 draws were silent"):
        engine.generate(DOG, duration_s=1.0, seed=1)


def test_the_version_tells_apart_whatever_changes_the_sound(tmp_path: Path) -> None:
    first, second = toy_engine(tmp_path / "a"), toy_engine(tmp_path / "b", mel_std=1.5)
    assert first.version == toy_engine(tmp_path / "c").version != second.version
    for part in ("toy-1", "toy-2"):
        assert part in first.version


def test_the_registry_says_what_the_engine_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("models.clipsonic.engine.BUNDLED", tmp_path)
    assert engine_readiness("sound_effect", "clipsonic").needs.endswith("talescape train clipsonic_bundled makes one")


# What it knows

COLUMNS = "concept,says,top5,count,others_top5,others_count"


def test_a_fit_is_likeness_times_measured_agreement(engine: ClipSonic) -> None:
    fit = engine.fit(SoundQuery("a dog barking"))
    assert fit.score == pytest.approx((0.9 * 10 + 1) / 12, abs=1e-3)
    assert fit.because == "its nearest known sound is 'dog' (likeness 1.00), heard as such in 90% of 10 clips"
    assert engine.fit(SoundQuery("church bells ringing")).score == 0.0  # known, and heard as such in 1 of 10 only
    assert engine.fit(SoundQuery("a quarterly tax return")).score < 0.05


def test_where_others_serve_too_the_better_measured_one_stands_above_the_other() -> None:
    others_fit, half_fit = 0.9, 0.4  # the most that other engines score, and what half their words bring
    measured = ((0.9, 10, 0.5, 10), (0.9, 10, 0.9, 10), (0.2, 10, 0.0, 10), (0.2, 10, 0.0, 0))
    better, as_good, rarely, alone = (Known("dog", (), *each) for each in measured)
    assert better.score > others_fit and as_good.score < half_fit
    assert rarely.score == alone.score == 0.0  # mostly heard as something else: no sound is better
    likeness = Likeness(better, 0.5)
    assert likeness.confidence == pytest.approx(0.5 * 10 / 12) and likeness.score == pytest.approx(0.5 * better.score)
    assert likeness.because.endswith("heard as such in 90% of 10 clips, other engines' in 50%")


def test_words_near_a_known_sound_fit_better_than_far_ones(engine: ClipSonic) -> None:
    near, far = (engine.fit(SoundQuery(words)).score for words in ("a hound barks at the door", "a violin"))
    assert near > 0.4 > far


def test_a_picture_fits_as_far_as_one_concept_stands_out() -> None:
    class Shows(ToyEncoder):
        """Concepts lie at right angles; a picture "7-0.3" shows concept 7 for three tenths, and something unknown."""

        def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.eye(41, dtype=np.float32)[[int(text) for text in texts]]

        def pictures(self, paths: Sequence[Path]) -> NDArray[np.float32]:
            concept, share = paths[0].name.split("-")
            noise = np.random.default_rng(0).standard_normal(41).astype(np.float32) / np.float32(41**0.5)
            return (float(share) * self.texts([concept]) + (1 - float(share)) * noise).astype(np.float32)

    knows = Knows([Known(str(k), (), 0.8, 98) for k in range(40)])
    found = [knows.of_picture(Path(f"7-{share}"), Shows()) for share in (0.9, 0.3, 0.0)]
    surely, hardly, nothing = (each for each in found if each is not None)
    assert surely.known.concept == "7" and surely.likeness == 1.0 and surely.score == pytest.approx(0.794)
    assert surely.likeness > hardly.likeness > nothing.likeness == 0.0
    assert nothing.confidence == 0.0 and nothing.score == 0.25  # a picture is served all the same, with a warning
    assert Knows([]).of_picture(Path("7-1"), Shows()) is None
    assert Knows([]).of_words("dog") is None


def test_an_engine_that_nobody_measured_fits_nothing(tmp_path: Path) -> None:
    engine = toy_engine(tmp_path)
    (tmp_path / "knows.csv").unlink()
    assert engine.fit(DOG).score == 0.0


def test_the_table_of_what_is_known_comes_back_as_it_was_written(tmp_path: Path) -> None:
    known = [*KNOWN, Known("bell", (), 0.0, 6, 0.25, 4)]
    write_knows([*reversed(known)], tmp_path / "knows.csv")
    assert read_knows(tmp_path / "knows.csv") == known  # best known first


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("concept,top5\ndog,1\n", "has the columns"),
        (f"{COLUMNS}\ndog,,1.2,3,0,0\n", "line 2: needs a concept, top5 from 0 to 1"),
        (f"{COLUMNS}\ndog,,0.5,0,0,0\n", "line 2: needs"),
        (f"{COLUMNS}\ndog,,0.5,3,2,1\n", "line 2: others_top5 must be 0 to 1"),
        (f"{COLUMNS}\ndog,,often,3,0,0\n", "line 2: could not convert"),
        (f"{COLUMNS}\ndog\n", "line 2"),
    ],
)
def test_a_broken_table_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "knows.csv").write_text(text)
    with pytest.raises(CheckpointUnusable, match=told):
        read_knows(tmp_path / "knows.csv")
