"""The timeline picture: tracks by character and bus, waveforms, words, spans, ducking, sections, loudness over time."""

from __future__ import annotations

import math
from pathlib import Path

from composer.exports.chapters import Chapter, chapters_of
from composer.exports.clock import short_clock
from composer.exports.drawing import Box, Mark, Page, Stroke, Words, png_bytes, svg_text, text_width, wrapped_text
from composer.exports.picture_lanes import (
    MARGIN,
    RATE,
    WIDE,
    Form,
    Stretch,
    Track,
    picture_tracks,
    wrap,
)
from composer.exports.picture_meter import FAINT, GRID, HEIGHT, INK, LANE, legend_marks, meter_marks
from composer.exports.picture_rows import Place, row_marks
from composer.exports.picture_sounds import Sounds
from composer.exports.receipt import SceneReceipt
from composer.exports.rendered import Rendered, RenderedRow
from composer.files import write_atomically
from composer.report_loudness import Loudness, measure

PAPER, BANDS = "#ffffff", ("#dde8f3", "#f4e8d3")
RULER, BAND, NAME, GAP = 20.0, 18.0, 15.0, 4.0
VOICE_LANE, OTHER_LANE = 58.0, 44.0
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 10**9)
STEP_PX = 64.0


def export_picture(rendered: Rendered, path: Path) -> None:
    """Writes the timeline picture, as PNG or SVG by the suffix. Raises ExportFailed, SceneInvalid."""
    page = timeline_page(rendered)
    write_atomically(path, svg_text(page) if path.suffix == ".svg" else png_bytes(page))


def timeline_page(rendered: Rendered, form: Form = WIDE) -> Page:
    """The picture of a rendered scene. Raises ExportFailed, SceneInvalid for sound that cannot be read."""
    return draw_timeline(rendered, Sounds(rendered), measure(rendered.scene.mix_path), form)


def draw_timeline(rendered: Rendered, sounds: Sounds, loudness: Loudness, form: Form) -> Page:
    """The picture in one of its forms; a scene that is too long for one line goes on in the next."""
    drawing = _Drawing(rendered, sounds, loudness, form)
    if form.titled:
        drawing.head()
    for stretch in wrap(rendered.rows, max(rendered.receipt.duration_s, 0.1), form):
        drawing.line(stretch)
    drawing.legend()
    names = ", ".join(track.name for track in drawing.tracks)
    title, height = f"Timeline of {rendered.title}", round(drawing.top + MARGIN - GAP)
    told = f"{_figures(rendered.receipt)}. Tracks: {names}."
    return Page(form.width, height, PAPER, tuple(drawing.marks), title, told)


def _figures(receipt: SceneReceipt) -> str:
    parts = [short_clock(receipt.n_samples, receipt.sample_rate), f"{len(receipt.rows)} clips"]
    if receipt.loudness_lufs is not None and receipt.true_peak_dbtp is not None:
        parts += [f"{receipt.loudness_lufs:.1f} LUFS", f"{receipt.true_peak_dbtp:.1f} dBTP"]
    return "  ·  ".join(parts)


class _Drawing:
    """The picture while it is drawn, from the top down."""

    def __init__(self, rendered: Rendered, sounds: Sounds, loudness: Loudness, form: Form) -> None:
        self.rendered, self.sounds, self.loudness, self.form = rendered, sounds, loudness, form
        self.tracks = picture_tracks(rendered.rows)
        self.loudest = {
            track.name: max(float(sounds.sizes(row).max(initial=0.0)) for lane in track.lanes for row in lane)
            for track in self.tracks
        }
        has_sections = any(row.section for row in rendered.rows)
        self.chapters: list[Chapter] = chapters_of(rendered) if has_sections else []
        self.marks: list[Mark] = []
        self.top = 4.0

    def head(self) -> None:
        """Title and figures, beside each other or one under the other."""
        title, figures = " ".join(self.rendered.title.split()) or "Untitled", _figures(self.rendered.receipt)
        room = self.form.width - 2.0 * MARGIN
        beside = room - text_width(figures, 12) - 30
        if text_width(title, 17) <= beside:
            self.marks.append(Words(MARGIN, 23, title, 17, INK, room=beside))
            self.marks.append(Words(self.form.width - MARGIN, 23, figures, 12, FAINT, "end"))
            self.top = 40.0
            return
        told = wrapped_text(title, 16, room, 2)
        self.marks += [Words(MARGIN, 20 + 21 * number, text, 16, INK, room=room) for number, text in enumerate(told)]
        self.marks.append(Words(MARGIN, 20.0 + 21 * len(told), figures, 12, FAINT, room=room))
        self.top = 36.0 + 21 * len(told)

    def line(self, stretch: Stretch) -> None:
        """One stretch of the scene: ruler, sections, the tracks that sound in it, loudness."""
        ruler_top, before = self.top, len(self.marks)
        self.top += RULER
        if self.chapters:
            self._bands(stretch)
        lanes_top = self.top
        for track in self.tracks:
            heard = [lane for lane in track.lanes if any(stretch.shows(row) for row in lane)]
            if heard:
                self._track(track, heard, stretch)
        if not self.form.names_beside:
            self._name_above("Loudness, LUFS", stretch)
        target_lufs = self.rendered.receipt.mix.loudness_lufs
        self.marks += meter_marks(self.loudness, target_lufs, stretch, self.top, self.form)
        self.top += HEIGHT
        self.marks[before:before] = self._ruler(stretch, ruler_top)
        for chapter in self.chapters[1:]:
            if stretch.begin_s < chapter.start_sample / RATE < stretch.end_s:
                x = stretch.x(chapter.start_sample / RATE)
                self.marks.append(Stroke(((x, lanes_top - 3), (x, self.top)), FAINT, 1.0, 0.7))
        self.top += 14.0

    def _ruler(self, stretch: Stretch, top: float) -> list[Mark]:
        """Times over the line, and their marks behind it."""
        step_s = next(step for step in STEPS_S if step * stretch.px_per_s >= STEP_PX)
        marks: list[Mark] = []
        for number in range(math.ceil(stretch.begin_s / step_s), math.floor(stretch.end_s / step_s) + 1):
            x = stretch.x(number * step_s)
            told = short_clock(number * step_s * RATE, RATE)
            inside = MARGIN / 2 + text_width(told, 10.5) / 2
            marks.append(Stroke(((x, top + RULER - 4), (x, self.top)), GRID, 1.0))
            middle = min(max(x, inside), self.form.width - inside)
            marks.append(Words(middle, top + 8, told, 10.5, FAINT, "middle"))
        return marks

    def _bands(self, stretch: Stretch) -> None:
        """The sections that the line shows, by name."""
        for number, chapter in enumerate(self.chapters):
            begin_s, end_s = stretch.cut(chapter.start_sample / RATE, chapter.end_sample / RATE)
            if end_s <= begin_s:
                continue
            left, width = stretch.x(begin_s), (end_s - begin_s) * stretch.px_per_s
            self.marks.append(Box(left, self.top, width, BAND - 3, BANDS[number % 2], 1.0, 2))
            title = ("… " if chapter.start_sample / RATE < stretch.begin_s else "") + chapter.title
            self.marks.append(Words(left + 6, self.top + (BAND - 3) / 2, title, 10.5, INK, room=width - 10))
        self.top += BAND

    def _track(self, track: Track, lanes: list[tuple[RenderedRow, ...]], stretch: Stretch) -> None:
        """A track's lanes one under the other, with its name beside or above and its colour along the edge."""
        is_voice = track.lanes[0][0].placement.bus == "speech"
        height = VOICE_LANE if is_voice else OTHER_LANE
        if self.form.names_beside:
            self._name_beside(track.name, len(lanes) * (height + GAP) - GAP, stretch)
        else:
            self._name_above(track.name, stretch)
        for lane in lanes:
            self.marks.append(Box(stretch.left, self.top, stretch.width, height, LANE, 1.0, 2))
            self.marks.append(Box(stretch.left - 4, self.top, 3, height, track.colour))
            place = Place(stretch, self.top, height, track.colour, self.loudest[track.name], 2 if is_voice else 1)
            shown = [row for row in lane if stretch.shows(row)]
            for row, following in zip(shown, [*shown[1:], None], strict=True):
                self.marks += row_marks(row, following, self.sounds, place)
            self.top += height + GAP

    def _name_beside(self, name: str, height: float, stretch: Stretch) -> None:
        room = stretch.left - 10 - MARGIN
        told = wrapped_text(name, 12, room, 2)
        for number, text in enumerate(told):
            y = self.top + height / 2 + 14 * (number - (len(told) - 1) / 2)
            self.marks.append(Words(stretch.left - 10, y, text, 12, INK, "end", room))

    def _name_above(self, name: str, stretch: Stretch) -> None:
        self.marks.append(Words(stretch.left, self.top + 7, name, 11.5, INK, room=self.form.room))
        self.top += NAME

    def legend(self) -> None:
        mix = self.rendered.receipt.mix
        entries = [("short", "loudness of 3 s"), ("target", f"target {mix.loudness_lufs:g} LUFS")]
        if any(row.placement.ducked for row in self.rendered.rows):
            entries.append(("span", "a background from its begin to its end"))
        if self.sounds.duck_gains is not None:
            entries.append(("duck", f"a background's volume: {mix.duck_db:g} dB down under speech"))
        marks, self.top = legend_marks(entries, self.top, self.form)
        self.marks += marks
