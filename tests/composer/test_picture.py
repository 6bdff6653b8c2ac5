"""The timeline picture: rows stand where the manifest says, in both formats, whatever the words."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyloudnorm
import pytest
import soundfile
from PIL import Image

from composer.errors import ExportFailed
from composer.exports.drawing import Box, Page, Words, cut_text, png_bytes, svg_text
from composer.exports.export import export_scene
from composer.exports.picture import GUTTER, MARGIN, WIDTH, short_term_lufs
from composer.render import render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import Settings

SVG = "{http://www.w3.org/2000/svg}"
ROWS: list[dict[str, object]] = [
    {"type": "music", "layout": "background", "id": 1, "action": "begin", "description": "calm <piano> & strings"},
    {"type": "speech", "character": "Ann & Söhne 🎉", "description": 'She said "<go>" & left.'},
    {"type": "sound_effect", "description": "a door"},
    {"type": "speech", "character": "Bob", "description": "Yes."},
    {"type": "music", "layout": "background", "id": 1, "action": "end"},
]


@pytest.fixture
def scene(tmp_path: Path, toy_engines: list[str]) -> Scene:
    scene = Scene(tmp_path / "scene")
    scene.folder.mkdir()
    scene.write_settings(Settings(title="A title with <marks> & more"))
    scene.write_script(script_of(ROWS))
    assert list(render(scene))
    return scene


def test_rows_stand_at_their_place_in_time(scene: Scene) -> None:
    (path,) = export_scene(scene, ["svg"])
    drawn = ElementTree.parse(path).getroot()
    manifest = json.loads(scene.manifest_path.read_text("utf-8"))
    scale = (WIDTH - GUTTER - MARGIN) / manifest["duration_s"]
    boxes = [
        (float(box.get("x", 0)), float(box.get("width", 0)))
        for box in drawn.iter(f"{SVG}rect")
        if box.get("fill-opacity") == "0.2"
    ]
    wanted = [
        (GUTTER + row["start_sample"] / 48_000 * scale, max(row["n_samples"] / 48_000 * scale, 1.5))
        for row in manifest["rows"]
    ]
    assert np.sort(boxes, axis=0) == pytest.approx(np.sort(wanted, axis=0), abs=0.06)
    assert len(list(drawn.iter(f"{SVG}polygon"))) == 4 + 1  # four waveforms and the loudness


def test_both_formats_open_and_the_svg_asks_for_nothing_outside(scene: Scene) -> None:
    png, svg = export_scene(scene, ["png", "svg"])
    picture = Image.open(png)
    assert picture.width == 2 * WIDTH
    assert len(picture.convert("RGB").getcolors(2**20) or []) > 20
    text = svg.read_text("utf-8")
    assert "href" not in text and "<script" not in text and "url(" not in text
    told = [element.text for element in ElementTree.fromstring(text).iter(f"{SVG}text")]
    assert "A title with <marks> & more" in told and "Ann & Söhne 🎉" in told


def test_a_scene_without_a_mix_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scene").mkdir()
    Scene(tmp_path / "scene").write_settings(Settings())
    with pytest.raises(ExportFailed, match="talescape render"):
        export_scene(Scene(tmp_path / "scene"), ["png"])


def test_short_term_loudness_is_that_of_an_independent_meter(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((48_000 * 9, 2)).astype(np.float32) * 0.05
    noise[48_000 * 5 :] *= 0.1
    soundfile.write(tmp_path / "a.wav", noise, 48_000, subtype="FLOAT")
    told = dict(short_term_lufs(tmp_path / "a.wav"))
    for middle_s in (3, 7):
        window = noise[round((middle_s - 1.5) * 48_000) : round((middle_s + 1.5) * 48_000)]
        meter = pyloudnorm.Meter(48_000, block_size=3.0)
        assert told[float(middle_s)] == pytest.approx(meter.integrated_loudness(window.astype(float)), abs=0.2)


def test_text_is_cut_to_its_room_and_boxes_are_where_they_are_put() -> None:
    assert cut_text("short", 12, 200) == "short"
    cut = cut_text("a rather long line of words", 12, 60)
    assert cut.endswith("…") and len(cut) < 14
    assert cut_text("words", 12, 3) == ""
    page = Page(40, 20, "#000000", (Box(10, 5, 10, 10, "#ff0000"), Words(0, 0, "", 10, "#ffffff")))
    picture = Image.open(io.BytesIO(png_bytes(page))).convert("RGB")
    assert picture.size == (80, 40)
    assert picture.getpixel((30, 20)) == (255, 0, 0) and picture.getpixel((4, 4)) == (0, 0, 0)
    assert "<rect" in svg_text(page)


def test_no_words_break_an_svg() -> None:
    words = '\u0007\u202e\ud800 ]]> <b>&amp; "quoted" {{ 7 * 7 }}'
    page = Page(40, 20, "#000000", (Words(0, 0, words, 10, "#ffffff"),))
    told = ElementTree.fromstring(svg_text(page).encode("utf-8")).find(f"{SVG}text")
    assert told is not None and told.text == ' ]]> <b>&amp; "quoted" {{ 7 * 7 }}'
    assert png_bytes(page).startswith(b"\x89PNG")
