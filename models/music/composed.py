"""Composed: a music engine that writes a piece for the words and plays it through a SoundFont.

A piece is a body of whole bars, one cadence bar on the dominant, and a final tonic chord that rings out. For a given
length the number of bars and the tempo are fitted so that the ring-out ends where the clip ends.
"""

from __future__ import annotations

import io
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from models.clip import Clip, Samples, resample
from models.engines import Fit, SoundQuery
from models.errors import ModelError, SynthesisFailed
from models.music.brief import MusicBrief, read_brief
from models.music.parts import (
    DRUM_TRACK,
    Bar,
    PlayedNote,
    bass_notes,
    chord_notes,
    drum_notes,
    final_notes,
    melody_notes,
    plan_bars,
)
from models.music.soundfont import expanded
from models.music.styles import SUSTAINED

SAMPLE_RATE = 48_000
TICKS = 480
SOUNDFONT = Path(__file__).parent / "soundfonts" / "composer.sf3"
PEAK = 0.8
RING_S = 4.5
HELD_SHARE = 0.55
"""The final chord is held for this share of its ring-out and dies away in the rest, whatever plays it."""
BED_BODY_S = 48.0
NATURAL_S = {"theme": 12.0, "stinger": 4.0}
CHUNK_BARS = 32
"""Long pieces are rendered in chunks of this many bars; each chunk is varied anew."""
LONGEST_S = 3600.0
PANS = {"melody": 64, "harmony0": 44, "harmony1": 86, "bass": 64, DRUM_TRACK: 70}
FADE_S = 0.05
DRUM_CHANNEL = 9
VOLUME = 80
TAIL_TICKS = 4 * TICKS
"""What follows the last note, for its release."""


class Composed:
    """Composes for any words, at any length, with a real ending."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "Apache-2.0; SoundFont cut from FluidR3Mono_GM, MIT"

    def fit(self, query: SoundQuery) -> Fit:
        if not query.text:
            return Fit(0.0, "has no words to read")
        brief = read_brief(query.text, 0)
        if brief.song:
            return Fit(0.2, "plays instruments and cannot sing")
        if not brief.known:
            return Fit(0.5, f"knows none of these words and plays in its {brief.style.name!r} style")
        return Fit(0.85, f"knows {', '.join(map(repr, brief.known[:4]))}: style {brief.style.name!r}")

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        """The piece. As a bed without a length it names its bar lines and where its ending starts."""
        if not query.text:
            raise ModelError("composed: has no words to read; write what the music is like")
        if duration_s is not None and not 0 < duration_s <= LONGEST_S:
            raise SynthesisFailed(f"composed: {duration_s} s is not above 0 and at most {LONGEST_S:.0f} s")
        brief = read_brief(query.text, seed)
        if duration_s is None and query.bed:
            return _bed(brief, seed)
        natural_s = NATURAL_S["stinger" if brief.stinger else "theme"]
        return _piece(brief, duration_s or natural_s, seed)


def _bed(brief: MusicBrief, seed: int) -> Clip:
    """A body of full sections, whose bar lines are joints, and the ending."""
    bar_s = 60.0 / brief.bpm * brief.style.beats
    n_bars = max(8, 8 * round(BED_BODY_S / bar_s / 8))
    samples = _played(brief, n_bars, bar_s, seed, round(((n_bars + 1) * bar_s + RING_S) * SAMPLE_RATE))
    lines = tuple(round(number * bar_s * SAMPLE_RATE) for number in range(n_bars + 1))
    return Clip(_finished(samples), SAMPLE_RATE, bars=lines, ending_sample=lines[-1])


def _piece(brief: MusicBrief, duration_s: float, seed: int) -> Clip:
    """A whole piece of exactly this length: as many bars as fit near the style's tempo, then the final chord."""
    n_samples = max(1, round(duration_s * SAMPLE_RATE))
    ring_s = float(np.clip(0.3 * duration_s, 0.5, RING_S))
    bar_s = 60.0 / brief.bpm * brief.style.beats
    n_bars = round((duration_s - ring_s) / bar_s)
    if n_bars < 1:
        return Clip(_finished(_played(brief, -1, bar_s, seed, n_samples)), SAMPLE_RATE)
    fitted_s = (duration_s - ring_s) / n_bars
    return Clip(_finished(_played(brief, n_bars - 1, fitted_s, seed, n_samples)), SAMPLE_RATE)


def _played(brief: MusicBrief, n_bars: int, bar_s: float, seed: int, n_samples: int) -> Samples:
    """`n_bars` of body, the cadence bar and the final chord (-1: the final chord alone), (2, n_samples)."""
    rng = np.random.default_rng([seed % 2**63, 12])
    out = np.zeros((2, n_samples), np.float32)
    beat_s = bar_s / brief.style.beats
    bars = [*plan_bars(brief, n_bars, rng), Bar(5, dominant=True)] if n_bars >= 0 else []
    for first in range(0, len(bars), CHUNK_BARS):
        notes = _notes(brief, bars[first : first + CHUNK_BARS], rng)
        _add(out, _render(brief, notes, beat_s, seed + first), round(first * bar_s * SAMPLE_RATE))
    end_s = len(bars) * bar_s
    ring_s = max(0.1, n_samples / SAMPLE_RATE - end_s)
    held = final_notes(brief, 0.0, HELD_SHARE * ring_s / beat_s)
    _add(out, _render(brief, held, beat_s, seed - 1), round(end_s * SAMPLE_RATE))
    n_fade = min(n_samples, round((1 - HELD_SHARE) * ring_s * SAMPLE_RATE))
    out[:, n_samples - n_fade :] *= np.cos(np.linspace(0, np.pi / 2, n_fade, dtype=np.float32)) ** 2
    return out


def _notes(brief: MusicBrief, bars: list[Bar], rng: np.random.Generator) -> list[PlayedNote]:
    parts = (melody_notes, chord_notes, bass_notes, drum_notes)
    return [note for part in parts for note in part(brief, bars, rng)]


def _add(out: Samples, piece: Samples, start: int) -> None:
    n_samples = min(piece.shape[1], out.shape[1] - start)
    if n_samples > 0:
        out[:, start : start + n_samples] += piece[:, :n_samples]


@cache
def _soundfont() -> bytes:
    if not SOUNDFONT.is_file():
        raise SynthesisFailed(f"composed: {SOUNDFONT.name} is missing from the package; install talescape again")
    return expanded(SOUNDFONT.read_bytes())


def _render(brief: MusicBrief, notes: list[PlayedNote], beat_s: float, seed: int) -> Samples:
    """The notes through the SoundFont at 48 kHz, (2, n_samples)."""
    import soundfile
    from midirenderer import render_wave_from

    wave = render_wave_from(_soundfont(), _midi(brief, notes, beat_s, seed))
    frames, sample_rate = soundfile.read(io.BytesIO(bytes(wave)), dtype="float32", always_2d=True)
    return resample(Clip(np.ascontiguousarray(frames.T), sample_rate), SAMPLE_RATE).samples


def _midi(brief: MusicBrief, notes: list[PlayedNote], beat_s: float, seed: int) -> bytes:
    """The notes as a MIDI file, slightly off the grid as players are; the first note is on time.

    It is four decibels quieter than written, so that the renderer's 16 bits do not clip; the clip's level is set later.
    """
    import mido

    rng = np.random.default_rng([abs(seed), 13])
    file = mido.MidiFile(ticks_per_beat=TICKS)
    conductor = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=round(beat_s * 1e6), time=0)])
    file.tracks.append(conductor)
    by_track: dict[str, list[PlayedNote]] = defaultdict(list)
    for note in notes:
        by_track[note.track].append(note)
    loose_ticks = 0.008 / beat_s * TICKS
    for number, (name, played) in enumerate(sorted(by_track.items())):
        program = _program(brief, name)
        channel = DRUM_CHANNEL if name == DRUM_TRACK else number
        events: list[tuple[int, int, Any]] = []
        for note in played:
            late = float(rng.uniform(-1, 1)) * loose_ticks if note.start > 0 else 0.0
            start = max(0, round(note.start * TICKS + late))
            length = max(30, round(note.length * TICKS * (1.0 if program in SUSTAINED else 1.2)))
            velocity = int(np.clip(note.velocity, 1, 127))
            common = {"channel": channel, "note": note.pitch}
            events.append((start, 1, mido.Message("note_on", velocity=velocity, **common)))
            events.append((start + length, 0, mido.Message("note_off", velocity=0, **common)))
        track = mido.MidiTrack(
            [
                mido.Message("program_change", channel=channel, program=program, time=0),
                mido.Message("control_change", channel=channel, control=10, value=PANS.get(name, 64), time=0),
                mido.Message("control_change", channel=channel, control=7, value=VOLUME, time=0),
            ]
        )
        now = 0
        for tick, _, message in sorted(events, key=lambda event: (event[0], event[1], event[2].note)):
            track.append(message.copy(time=tick - now))
            now = tick
        track.append(mido.MetaMessage("end_of_track", time=TAIL_TICKS))
        file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _program(brief: MusicBrief, track: str) -> int:
    style = brief.style
    if track == "melody":
        return style.melody or 0
    if track == "bass":
        return style.bass or 0
    return 0 if track == DRUM_TRACK else style.harmony[int(track.removeprefix("harmony"))]


def _finished(samples: Samples) -> Samples:
    """At its peak level, faded to nothing at the very end."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < 1e-4:
        raise SynthesisFailed("composed: the SoundFont gave silence")
    finished = samples * np.float32(PEAK / peak)
    n_fade = min(round(FADE_S * SAMPLE_RATE), samples.shape[1])
    finished[:, -n_fade:] *= np.cos(np.linspace(0, np.pi / 2, n_fade, dtype=np.float32)) ** 2
    return finished
