"""The timeline picture: rows stand where the manifest says, in both formats, whatever the words and the length."""

from __future__ import annotations

import io
import itertools
import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from exporting import RATE, manifest_of, manifest_rows, scene_of, toy_scene
from PIL import Image

from composer.errors import ExportFailed
from composer.exports.drawing import Box, Page, Shape, Stroke, Words, cut_text, png_bytes, svg_text, wrapped_text
from composer.exports.export import export_scene
from composer.exports.picture import timeline_page
from composer.exports.picture_lanes import COVER, MARGIN, NARROW, OTHERS, WIDE, Form, lanes, wrap
from composer.exports.picture_rows import INK, WORDS_SIZE
from composer.exports.picture_sounds import Sounds
from composer.exports.rendered import read_rendered
from composer.exports.tracks import AMBIENCE, EFFECTS, MUSIC, VOICES
from composer.scene import Scene
from composer.settings import MixSettings, Settings

SVG = "{http://www.w3.org/2000/svg}"


def telling(page: Page) -> list[Box]:
    """The boxes that tell of a row, a box for each line that it is in."""
    return [mark for mark in page.marks if isinstance(mark, Box) and mark.told]


def test_rows_stand_at_their_place_in_time(tmp_path: Path) -> None:
    scene = toy_scene(tmp_path)
    (path,) = export_scene(scene, ["svg"])
    found = {}
    for box in ElementTree.parse(path).getroot().iter(f"{SVG}rect"):
        told = box.find(f"{SVG}title")
        if told is not None and told.text:
            found[told.text.split(",")[0]] = float(box.get("x", 0)), float(box.get("width", 0))
    scale = WIDE.room / manifest_of(scene)["duration_s"]
    rows = manifest_rows(scene)
    assert set(found) == set(rows)
    for key, row in rows.items():
        x, width = WIDE.left + row["start_sample"] / RATE * scale, row["n_samples"] / RATE * scale
        assert found[key] == pytest.approx((x, width), abs=0.06), key


def test_both_formats_open_and_the_svg_asks_for_nothing_outside(tmp_path: Path) -> None:
    scene = toy_scene(tmp_path)
    png, svg = export_scene(scene, ["png", "svg"])
    picture = Image.open(png)
    assert picture.width == 2 * WIDE.width
    assert len(picture.convert("RGB").getcolors(2**20) or []) > 20
    text = svg.read_text("utf-8")
    assert "href" not in text and "<script" not in text and "url(" not in text and "<style" not in text
    root = ElementTree.fromstring(text)
    told = [element.text for element in root.iter(f"{SVG}text")]
    assert manifest_of(scene)["title"] in told and "Ann & Söhne" in told
    assert root.get("role") == "img" and "Tracks: Ann & Söhne, Bob" in (root.findtext(f"{SVG}desc") or "")


def test_a_scene_without_a_mix_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scene").mkdir()
    Scene(tmp_path / "scene").write_settings(Settings())
    with pytest.raises(ExportFailed, match="talescape render"):
        export_scene(Scene(tmp_path / "scene"), ["png"])


def test_the_waveform_is_that_of_the_stem(tmp_path: Path) -> None:
    """Without a room a bed that is alone in its stem is there as it was looped, faded and ducked, times the master."""
    scene = toy_scene(tmp_path)
    rendered = read_rendered(scene)
    row = rendered.rows[0]
    samples = soundfile.read(scene.stems_dir / "music.wav", start=row.start_sample, frames=row.n_samples)[0]
    master = 10.0 ** (rendered.master_gain_db / 20.0)
    # A mono clip in the centre lies on both sides by cos(45 degrees).
    heard = np.abs(samples).max(axis=1) / (master * math.cos(math.pi / 4))
    whole = len(heard) // 480 * 480
    wanted = heard[:whole].reshape(-1, 480).max(axis=1)
    sounds = Sounds(rendered)
    sizes = sounds.sizes(row)[: len(wanted)]
    assert sounds.duck_gains is not None and sounds.duck_gains.min() == pytest.approx(10 ** (-6 / 20), abs=1e-4)
    assert np.abs(sizes - wanted).max() < 0.03 * wanted.max()


def test_a_background_has_brackets_at_both_ends_and_the_line_of_its_ducking(tmp_path: Path) -> None:
    rendered = read_rendered(toy_scene(tmp_path))
    page = timeline_page(rendered)
    scale = WIDE.room / rendered.receipt.duration_s
    strokes = [mark for mark in page.marks if isinstance(mark, Stroke)]
    for key, colour in (("r01", MUSIC), ("r05", AMBIENCE)):
        row = next(row for row in rendered.rows if row.row == key)
        ends = [WIDE.left + sample / RATE * scale for sample in (row.start_sample, row.end_sample)]
        brackets = sorted(mark.points[1][0] for mark in strokes if mark.colour == colour)
        assert brackets == pytest.approx([ends[0] + 1, ends[1] - 1], abs=0.1)
        lines = [mark for mark in strokes if (mark.colour, mark.width) == (INK, 1.3)]
        line = next(mark for mark in lines if ends[0] - 1 < mark.points[0][0] < ends[0] + 4)
        heights = {round(y, 1) for _, y in line.points}
        assert len(heights) > 1, "it goes down and up"
    assert any(mark.dashed for mark in strokes)


@pytest.fixture(scope="module")
def long_scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Three sections, two speakers, short rows and long ones, two beds at once, four minutes."""
    rows: list[dict[str, object]] = []
    for number in range(60):
        if number % 20 == 0:
            ends = [{"type": "music", "layout": "background", "id": key, "action": "end"} for key in (1, 2)]
            rows += ends if number else []
            for key in (1, 2):
                rows.append({**ends[0], "id": key, "action": "begin", "description": f"bed {key} of part {number}"})
            rows[-1]["section"] = f"Part {number // 20 + 1} <b>"
        words = "Wait. " * (1 + number % 17)
        rows.append({"type": "speech", "character": f"Speaker {number % 2}", "description": words})
    rows += ends
    settings = Settings(title="Long", clean="never", mix=MixSettings(room="none", loudness_lufs=-32.0))
    return scene_of(tmp_path_factory.mktemp("long") / "scene", rows, settings)


@pytest.mark.parametrize("form", [WIDE, NARROW, COVER, Form(700, True, 40)], ids=["wide", "narrow", "cover", "many"])
def test_no_words_overlap_or_leave_the_page(long_scene: Scene, form: Form) -> None:
    page = timeline_page(read_rendered(long_scene), form)
    placed = []
    for mark in page.marks:
        if isinstance(mark, Words) and (text := cut_text(mark.text, mark.size, mark.room)):
            wide = _width(text, mark.size)
            left = mark.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor] * wide
            placed.append((left, left + wide, mark.y - 0.38 * mark.size, mark.y + 0.38 * mark.size, text))
    assert len(placed) > 20
    for left, right, top, bottom, text in placed:
        assert left >= 0 and right <= form.width and top >= 0 and bottom <= page.height, text
    for one, other in itertools.combinations(placed, 2):
        apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
        assert apart, (one[4], other[4])


def _width(text: str, size: float) -> float:
    from PIL import ImageFont

    return float(ImageFont.load_default(2 * size).getlength(text)) / 2


def test_lines_hold_the_whole_scene_and_break_at_pauses(long_scene: Scene) -> None:
    rendered = read_rendered(long_scene)
    stretches = wrap(rendered.rows, rendered.receipt.duration_s, WIDE)
    assert len(stretches) >= 3
    assert (stretches[0].begin_s, stretches[-1].end_s) == (0.0, rendered.receipt.duration_s)
    for stretch, following in itertools.pairwise(stretches):
        assert stretch.end_s == following.begin_s and stretch.px_per_s == following.px_per_s
        inside = [
            row.row
            for row in rendered.rows
            if row.receipt.layout == "foreground"
            and row.start_sample < (stretch.end_s - 0.01) * RATE
            and row.end_sample > (stretch.end_s + 0.01) * RATE
        ]
        assert inside == []
    assert max(stretch.right for stretch in stretches) == pytest.approx(WIDE.width - MARGIN)
    shown = {box.told.split(",")[0] for box in telling(timeline_page(rendered))}
    assert shown == {row.row for row in rendered.rows}
    assert len(wrap(rendered.rows, rendered.receipt.duration_s, COVER)) == 1


def test_sections_are_bands_from_their_first_row_on(long_scene: Scene) -> None:
    rendered = read_rendered(long_scene)
    page = timeline_page(rendered, COVER)
    told = [mark for mark in page.marks if isinstance(mark, Words) and mark.text.startswith("Part ")]
    assert [mark.text for mark in told] == ["Part 1 <b>", "Part 2 <b>", "Part 3 <b>"]
    scale = COVER.room / rendered.receipt.duration_s
    for name, mark in zip((row for row in told), told[1:], strict=False):
        section = mark.text
        first = min(row.start_sample for row in rendered.rows if row.receipt.section == section)
        assert mark.x - 6 == pytest.approx(COVER.left + first / RATE * scale, abs=0.1), name


def test_rows_that_sound_at_once_get_lanes(long_scene: Scene) -> None:
    rendered = read_rendered(long_scene)
    found = lanes([row for row in rendered.rows if row.receipt.type == "music"])
    assert len(found) == 2
    for lane in found:
        assert all(one.end_sample <= other.start_sample for one, other in itertools.pairwise(lane))


# Linear RGB -> how it looks without one kind of cone: Machado, Oliveira and Fernandes 2009, table 1, severity 1.0.
BLINDNESS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}


def linear(colour: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Linear sRGB -> CIE 1976 L*a*b* (D65)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_colour_blind_tell_neighbouring_tracks_apart(kind: str) -> None:
    """Tracks stand in this order, and each has its name beside it; a difference of 2.3 is just noticeable."""
    seen = [lab(np.array(BLINDNESS[kind]) @ linear(colour)) for colour in (*VOICES, EFFECTS, AMBIENCE, MUSIC)]
    for one, other in itertools.pairwise(seen):
        assert np.linalg.norm(one - other) > 12.0


@pytest.mark.parametrize("colour", [*VOICES, EFFECTS, AMBIENCE, MUSIC, OTHERS])
def test_words_are_dark_enough_on_every_clip(colour: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 or more; a clip's box is 20 % of its colour over the lane, printed or seen."""
    share = 0.2
    values = [round((1 - share) * 0xF3 + share * int(colour[at : at + 2], 16)) for at in (1, 3, 5)]
    weights = np.array([0.2126, 0.7152, 0.0722])
    light = float(weights @ linear("#" + "".join(f"{value:02x}" for value in values)))
    assert (light + 0.05) / (float(weights @ linear(INK)) + 0.05) > 4.5


def test_text_is_cut_and_wrapped_to_its_room_and_boxes_are_where_they_are_put() -> None:
    assert cut_text("short", 12, 200) == "short"
    cut = cut_text("a rather long line of words", 12, 60)
    assert cut.endswith("…") and len(cut) < 14 and _width(cut, 12) <= 60
    assert cut_text("words", 12, 3) == ""
    told = wrapped_text("one two three four five six seven", WORDS_SIZE, 60, 2)
    assert len(told) == 2 and told[1].endswith("…") and all(_width(text, WORDS_SIZE) <= 60 for text in told)
    assert wrapped_text("incomprehensibilities", WORDS_SIZE, 40, 2)[0].endswith("…")
    page = Page(40, 20, "#000000", (Box(10, 5, 10, 10, "#ff0000"), Words(0, 0, "", 10, "#ffffff")))
    picture = Image.open(io.BytesIO(png_bytes(page))).convert("RGB")
    assert picture.size == (80, 40)
    red = np.array(picture)[:, :, 0] > 128
    assert red[10:30, 20:40].all() and red.sum() == 400
    assert "<rect" in svg_text(page)


def test_a_tall_picture_is_the_same_in_strips() -> None:
    """Shapes that cross the strips in which a PNG is drawn have no seams."""
    shape = Shape(((5, 150), (35, 150), (35, 450), (5, 450)), "#0000ff")
    line = Stroke(((20, 10), (20, 590)), "#ff0000", 2.0)
    picture = np.array(Image.open(io.BytesIO(png_bytes(Page(40, 600, "#ffffff", (shape, line))))).convert("RGB"))
    assert (picture[300:900, 20:36] == (0, 0, 255)).all() and (picture[300:900, 44:60] == (0, 0, 255)).all()
    assert (picture[30:1170, 39:41] == (255, 0, 0)).all() and (picture[:290, 20:30] == 255).all()


def test_no_words_break_an_svg() -> None:
    words = '\u0007\u202e\ud800 ]]> <b>&amp; "quoted" {{ 7 * 7 }}'
    page = Page(40, 20, "#000000", (Words(0, 0, words, 10, "#ffffff"),), title=words, description=words)
    told = ElementTree.fromstring(svg_text(page).encode("utf-8")).find(f"{SVG}text")
    assert told is not None and told.text == ' ]]> <b>&amp; "quoted" {{ 7 * 7 }}'
    assert png_bytes(page).startswith(b"\x89PNG")
