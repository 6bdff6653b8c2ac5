"""Chapters: from the sections of the table, else from changes of the surroundings; always from begin to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from exporting import RATE, TITLE, manifest_of, manifest_rows, toy_scene

from composer.exports.chapters import LONGEST_TITLE, Chapter, chapters_of, export_chapters
from composer.exports.export import export_scene
from composer.exports.rendered import Rendered, RenderedRow, read_rendered
from composer.scene import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return toy_scene(tmp_path_factory.mktemp("chapters"))


@pytest.fixture(scope="module")
def rendered(scene: Scene) -> Rendered:
    return read_rendered(scene)


def placed(rendered: Rendered, kind: str, start_s: float, section: str, words: str = "") -> RenderedRow:
    """A row of a kind (bed, music or speech) at a time and in a section."""
    keys = {"bed": "r05", "music": "r01", "speech": "r02"}
    row = next(row for row in rendered.rows if row.row == keys[kind])
    receipt = row.receipt.model_copy(update={"start_sample": round(start_s * RATE), "description": words or kind})
    return replace(row, receipt=receipt, section=section)


def chaptered(rendered: Rendered, *rows: RenderedRow, duration_s: float = 100.0) -> list[tuple[float, str]]:
    timeline = replace(rendered.timeline, n_samples=round(duration_s * RATE))
    chapters = chapters_of(replace(rendered, rows=rows, timeline=timeline, title="The title"))
    ends = [chapter.end_sample for chapter in chapters]
    assert ends == [*(chapter.start_sample for chapter in chapters[1:]), round(duration_s * RATE)]
    return [(chapter.start_sample / RATE, chapter.title) for chapter in chapters]


def test_a_section_begins_with_the_first_of_its_rows_to_sound(rendered: Rendered) -> None:
    rows = (
        placed(rendered, "speech", 2.0, "One"),
        placed(rendered, "music", 0.0, "One"),
        placed(rendered, "speech", 30.0, "Two."),
        placed(rendered, "music", 27.5, "Two."),  # leads in
        placed(rendered, "speech", 60.0, "One"),
    )
    assert chaptered(rendered, *rows) == [(0.0, "One"), (27.5, "Two"), (60.0, "One")]


def test_what_comes_before_the_first_section_is_called_by_the_title(rendered: Rendered) -> None:
    rows = (placed(rendered, "speech", 2.0, ""), placed(rendered, "speech", 30.0, "Two"))
    assert chaptered(rendered, *rows) == [(0.0, "The title"), (30.0, "Two")]
    assert chaptered(rendered, placed(rendered, "speech", 2.0, "One")) == [(0.0, "One")]


def test_without_sections_a_change_of_surroundings_begins_a_chapter(rendered: Rendered) -> None:
    rows = (
        placed(rendered, "music", 0.0, "", "A theme."),
        placed(rendered, "speech", 2.5, ""),
        placed(rendered, "music", 40.0, "", "sad strings"),
        placed(rendered, "bed", 41.0, "", "rain on a roof"),  # names the chapter rather than the music
        placed(rendered, "bed", 46.0, "", "far thunder"),  # too soon for another
        placed(rendered, "bed", 70.0, "", "an empty street"),
    )
    assert chaptered(rendered, *rows) == [(0.0, "A theme"), (40.0, "rain on a roof"), (70.0, "an empty street")]
    assert chaptered(rendered, placed(rendered, "speech", 5.0, "")) == [(0.0, "The title")]
    late = (placed(rendered, "speech", 0.0, ""), placed(rendered, "bed", 20.0, "", "a cave"))
    assert chaptered(rendered, *late) == [(0.0, "The title"), (20.0, "a cave")]


def test_long_and_awkward_names_become_short_lines(rendered: Rendered) -> None:
    ((_, name),) = chaptered(rendered, placed(rendered, "speech", 0.0, "many words\nagain and " * 20))
    assert len(name) <= LONGEST_TITLE and name.endswith("…") and "\n" not in name
    ((_, name),) = chaptered(rendered, placed(rendered, "speech", 0.0, "x" * 500))
    assert len(name) == LONGEST_TITLE


def test_the_json_is_that_of_podcasting_and_exact_to_the_sample(scene: Scene, rendered: Rendered) -> None:
    (path,) = export_scene(scene, ["chapters"])
    told = json.loads(path.read_text("utf-8"))
    assert told["version"] == "1.2.0" and told["title"] == TITLE and path.name == "toy scene.chapters.json"
    found = [
        Chapter(round(each["startTime"] * RATE), round(each["endTime"] * RATE), each["title"])
        for each in told["chapters"]
    ]
    assert found == chapters_of(rendered)
    rows, manifest = manifest_rows(scene), manifest_of(scene)
    assert found[0].start_sample == 0 and found[-1].end_sample == round(manifest["duration_s"] * RATE)
    assert [each.start_sample for each in found[1:]] == [rows["r05"]["start_sample"]]


def test_an_odd_sample_comes_back_from_the_json(rendered: Rendered, tmp_path: Path) -> None:
    rows = (placed(rendered, "bed", 0.0, ""), placed(rendered, "bed", 1_234_567 / RATE, ""))
    timeline = replace(rendered.timeline, n_samples=2_000_000)
    export_chapters(replace(rendered, rows=rows, timeline=timeline), tmp_path / "chapters.json")
    told = json.loads((tmp_path / "chapters.json").read_text("utf-8"))["chapters"]
    assert [round(each["startTime"] * RATE) for each in told] == [0, 1_234_567]
