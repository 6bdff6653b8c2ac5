"""Composed music: words decide, harmony is right, lengths are exact, endings are endings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.clip import Samples
from models.engines import SoundQuery, engine_readiness
from models.errors import ModelError, SynthesisFailed
from models.music.brief import read_brief
from models.music.composed import SAMPLE_RATE, SOUNDFONT, Composed
from models.music.harmony import HARMONY_RANGE, chord_classes, movement, voiced
from models.music.musicgen import MusicGen
from models.music.parts import bass_notes, final_notes, melody_notes, plan_bars
from models.music.styles import MODES, STYLES

WORDS = [" ".join(style.words[:2]) for style in STYLES]
ENGINE = Composed()


def piece(words: str, duration_s: float | None = None, seed: int = 1, bed: bool = False) -> Samples:
    return ENGINE.generate(SoundQuery(words, bed=bed), duration_s=duration_s, seed=seed).samples


def level(samples: Samples) -> float:
    return float(np.sqrt((samples.astype(np.float64) ** 2).mean()))


@pytest.mark.parametrize(
    ("words", "style"),
    [
        ("Dramatic orchestral news theme.", "news"),
        ("calm piano", "calm"),
        ("tense strings, slow", "tense"),
        ("upbeat ukulele jingle", "happy"),
        ("Soft lullaby on a music box", "lullaby"),
        ("8-bit chase", "chiptune"),
        ("jazz trio in a smoky bar", "jazz"),
        ("epic trailer music", "epic"),
        ("sea shanty with accordion", "shanty"),
        ("eerie horror drone", "horror"),
        ("medieval tavern tune", "medieval"),
        ("solo cello", "calm"),
        ("qwertyuiop", "podcast"),
    ],
)
def test_words_choose_the_style(words: str, style: str) -> None:
    assert read_brief(words, 0).style.name == style


def test_named_instruments_keys_and_tempos_are_used() -> None:
    brief = read_brief("slow waltz for flute and harp in D minor, 96 bpm", 0)
    assert (brief.style.melody, brief.style.harmony) == (73, (46,))
    assert (brief.tonic, brief.mode, brief.bpm) == (2, "minor", 96.0)
    assert read_brief("happy news theme", 0).mode == "major"
    assert read_brief("sad calm piano", 0).mode == "minor"


@pytest.mark.parametrize("words", WORDS)
def test_melody_notes_on_beats_are_chord_tones_and_all_notes_are_in_the_key(words: str) -> None:
    brief = read_brief(words, 5)
    rng = np.random.default_rng(5)
    bars = plan_bars(brief, 16, rng)
    scale = {(brief.tonic + step) % 12 for step in MODES[brief.mode]}
    for note in melody_notes(brief, bars, rng):
        bar = bars[int(note.start // brief.style.beats)]
        classes = chord_classes(brief.tonic, brief.mode, bar.degree, dominant=bar.dominant)
        if note.start == int(note.start):
            assert note.pitch % 12 in classes
        assert note.pitch % 12 in scale | set(classes)
        assert 36 <= note.pitch <= 100


@pytest.mark.parametrize("words", WORDS)
def test_a_piece_begins_on_its_chord_turns_on_the_dominant_and_ends_on_the_tonic(words: str) -> None:
    brief = read_brief(words, 5)
    bars = plan_bars(brief, 16, np.random.default_rng(5))
    assert bars[-1].dominant and bars[-1].degree == 5
    tonic = set(chord_classes(brief.tonic, brief.mode, 1))
    final = [note for note in final_notes(brief, 0.0, 4.0) if note.track != "drums"]
    assert {note.pitch % 12 for note in final} <= tonic
    for note in final:
        if note.track in ("melody", "bass"):
            assert note.pitch % 12 == brief.tonic
    for note in bass_notes(brief, bars, np.random.default_rng(5)):
        if note.start % brief.style.beats == 0:
            bar = bars[int(note.start // brief.style.beats)]
            assert note.pitch % 12 == chord_classes(brief.tonic, brief.mode, bar.degree, dominant=bar.dominant)[0]


def test_a_minor_cadence_has_its_leading_note() -> None:
    assert chord_classes(9, "minor", 5, dominant=True) == (4, 8, 11)  # E major in A minor
    assert chord_classes(9, "minor", 5) == (4, 7, 11)
    assert chord_classes(0, "major", 4) == (5, 9, 0)


def test_voices_move_as_little_as_any_inversion_allows() -> None:
    chords = [chord_classes(0, "major", degree) for degree in (1, 5, 6, 4, 2, 5, 1)]
    before = voiced(chords[0], None)
    for chord in chords[1:]:
        after = voiced(chord, before)
        assert {pitch % 12 for pitch in after} == set(chord)
        assert HARMONY_RANGE[0] <= after[0] and after[-1] <= HARMONY_RANGE[1] + 11
        assert movement(before, after) <= 9  # three voices, a third each at most
        before = after


@pytest.mark.parametrize("duration_s", [0.05, 0.5, 1.0, 2.5, 7.3, 31.4])
def test_pieces_have_exactly_the_length_and_end_in_silence(duration_s: float) -> None:
    samples = piece("news theme", duration_s)
    assert samples.shape == (2, round(duration_s * SAMPLE_RATE))
    assert np.abs(samples[:, -1]).max() < 1e-4
    assert np.abs(samples).max() <= 0.81
    assert level(samples) > 0.02


@pytest.mark.parametrize("words", ["news theme", "calm piano", "jazz", "horror"])
def test_the_ending_rings_out(words: str) -> None:
    samples = piece(words, 20.0)
    windows = [
        level(samples[:, begin : begin + SAMPLE_RATE // 2]) for begin in range(0, 20 * SAMPLE_RATE, SAMPLE_RATE // 2)
    ]
    assert windows[-1] < 0.5 * max(windows)
    assert min(windows[:-4]) > 0.005


@pytest.mark.parametrize("words", ["sad solo violin", "eerie horror drone", "brass fanfare"])
@pytest.mark.parametrize("duration_s", [4.0, 12.0])
def test_instruments_that_hold_their_notes_let_the_last_chord_die_away(words: str, duration_s: float) -> None:
    samples = piece(words, duration_s)
    ring = samples[:, -round(min(0.3 * duration_s, 4.5) * SAMPLE_RATE) :]
    tenths = [level(part) for part in np.array_split(ring, 10, axis=1)]
    assert tenths[-1] < 0.1 * max(tenths) and tenths[-2] < 0.5 * max(tenths)
    assert tenths[0] > 0.01 and tenths[-4] >= tenths[-3] >= tenths[-2] >= tenths[-1]


def test_the_same_seed_repeats_and_others_differ() -> None:
    first = piece("folk tune", 6.0, seed=1)
    assert np.array_equal(first, piece("folk tune", 6.0, seed=1))
    other = piece("folk tune", 6.0, seed=2)
    assert np.corrcoef(first[0], other[0])[0, 1] < 0.5


def test_styles_sound_different() -> None:
    spectra = []
    for words in ("news theme", "lullaby music box", "meditation pad", "rock band", "sad cello"):
        power = np.abs(np.fft.rfft(piece(words, 10.0).mean(axis=0))) ** 2
        bands = np.array([chunk.sum() for chunk in np.array_split(power[: len(power) // 4], 40)])
        spectra.append(np.log(bands + 1e-9))
    for number, first in enumerate(spectra):
        for second in spectra[number + 1 :]:
            assert np.abs(first - second).mean() > 0.5


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("key", ["C", "Eb", "F#", "A"])
def test_the_sound_is_in_the_key_that_was_asked_for(key: str, mode: str) -> None:
    """Of all twelve key signatures, the one asked for holds the most of the sound's energy: instruments are in tune."""
    words = f"calm piano in {key} {mode}"
    samples = piece(words, 24.0).mean(axis=0)
    power = np.abs(np.fft.rfft(samples)) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    inside = (frequencies > 80) & (frequencies < 2000)
    classes = np.round(12 * np.log2(frequencies[inside] / 440)).astype(int) + 9
    chroma = np.bincount(classes % 12, weights=power[inside], minlength=12)
    held = [sum(chroma[(tonic + step) % 12] for step in MODES[mode]) for tonic in range(12)]
    assert int(np.argmax(held)) == read_brief(words, 1).tonic
    assert max(held) > 0.8 * chroma.sum()


def test_beds_name_their_bar_lines_and_their_ending() -> None:
    clip = ENGINE.generate(SoundQuery("news theme", bed=True), duration_s=None, seed=3)
    steps = np.diff(clip.bars)
    assert clip.bars[0] == 0 and len(clip.bars) >= 9
    assert steps.max() - steps.min() <= 1
    assert clip.ending_sample == clip.bars[-1]
    assert clip.duration_s - clip.ending_sample / SAMPLE_RATE >= 4.0
    first = np.argmax(np.abs(clip.samples).max(axis=0) > 0.02)
    assert first < 0.03 * SAMPLE_RATE


def test_songs_are_scored_low_and_known_moods_high() -> None:
    assert ENGINE.fit(SoundQuery("a song with lyrics about love")).score < 0.3
    assert ENGINE.fit(SoundQuery("tense strings")).score > 0.8
    assert ENGINE.fit(SoundQuery("blorp")).score == 0.5
    assert ENGINE.fit(SoundQuery("")).score == 0.0


def test_what_cannot_be_played_is_refused() -> None:
    with pytest.raises(ModelError, match="no words"):
        piece("")
    for duration_s in (-1.0, 1e6):
        with pytest.raises(SynthesisFailed, match="3600"):
            piece("calm", duration_s)


def test_the_soundfont_ships_with_its_licence() -> None:
    assert SOUNDFONT.is_file()
    assert "Permission is hereby granted, free of charge" in (SOUNDFONT.parent / "LICENSE").read_text("utf-8")


def test_musicgen_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("TALESCAPE_MUSICGEN", str(tmp_path))
    found = engine_readiness("music", "musicgen")
    assert not found.ready and "TALESCAPE_MUSICGEN" in found.needs


def tiny_musicgen(folder: Path) -> None:
    import torch
    import transformers as tf
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    torch.manual_seed(0)
    text = tf.T5Config(vocab_size=16, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    codec = tf.EncodecConfig(
        sampling_rate=2000, num_filters=4, hidden_size=8, upsampling_ratios=[5, 4], num_residual_layers=1,
        num_lstm_layers=1, codebook_size=16, codebook_dim=8, target_bandwidths=[0.8], norm_type="weight_norm",
    )  # fmt: skip
    decoder = tf.MusicgenDecoderConfig(
        vocab_size=16, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, ffn_dim=8, num_codebooks=2,
        max_position_embeddings=4096, pad_token_id=16, bos_token_id=16,
    )  # fmt: skip
    config = tf.MusicgenConfig(text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict())
    model = tf.MusicgenForConditionalGeneration(config)
    for layer in model.audio_encoder.quantizer.layers:
        layer.codebook.embed.normal_()  # zeros before training: every code would sound alike
    model.save_pretrained(folder)
    words = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", "calm", "piano"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)


@pytest.mark.filterwarnings("ignore")  # transformers warns of its own defaults
def test_musicgen_loads_a_local_copy_and_repeats_by_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_musicgen(tmp_path)
    monkeypatch.setenv("TALESCAPE_MUSICGEN", str(tmp_path))
    assert engine_readiness("music", "musicgen").ready
    engine, query = MusicGen(), SoundQuery("calm piano")
    first = engine.generate(query, duration_s=1.0, seed=3)
    assert first.samples.shape[1] == first.sample_rate == 2000
    assert np.array_equal(first.samples, engine.generate(query, duration_s=1.0, seed=3).samples)
    assert not np.array_equal(first.samples, engine.generate(query, duration_s=1.0, seed=4).samples)
