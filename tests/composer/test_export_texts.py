"""Labels, transcripts and credits: every row is there, at its time, and no words break the format."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from exporting import RATE, TITLE, manifest_rows, toy_scene
from markdown_it import MarkdownIt

from composer.exports.clock import clock, milliseconds, short_clock
from composer.exports.credits import COLUMNS, export_credits
from composer.exports.export import export_scene
from composer.exports.labels import export_labels
from composer.exports.rendered import Rendered, read_rendered
from composer.exports.transcript import export_html_transcript, export_transcript
from composer.scene import Scene

AWKWARD = '# 1. *Stars* _and_ [links](x) `code` | <b>&amp;</b>\t"quoted"\n\n- a list\n> quoted\n2) done'


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return toy_scene(tmp_path_factory.mktemp("texts"))


def spoken(rendered: Rendered, words: str, name: str) -> Rendered:
    """The scene with other words and another speaker in its speech."""
    rows = [
        replace(row, receipt=row.receipt.model_copy(update={"description": words, "character": name}))
        if row.receipt.type == "speech"
        else row
        for row in rendered.rows
    ]
    return replace(rendered, rows=tuple(rows))


def test_labels_are_the_manifests_rows_to_the_sample(scene: Scene) -> None:
    (path,) = export_scene(scene, ["labels"])
    rows = manifest_rows(scene)
    wanted = sorted((row["start_sample"], row["start_sample"] + row["n_samples"]) for row in rows.values())
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    assert [len(line) for line in lines] == [3] * len(rows)
    assert sorted((round(float(begin) * RATE), round(float(end) * RATE)) for begin, end, _ in lines) == wanted
    assert all(re.fullmatch(r"\d+\.\d{6}", cell) for line in lines for cell in line[:2])
    assert 'Bob: She said "go" > and left.' in {line[2] for line in lines} and "[a bell]" in {line[2] for line in lines}


def test_tabs_and_line_ends_in_words_stay_within_their_label(scene: Scene, tmp_path: Path) -> None:
    export_labels(spoken(read_rendered(scene), AWKWARD, "A\tB\nC"), tmp_path / "labels.txt")
    lines = (tmp_path / "labels.txt").read_text("utf-8").splitlines()
    assert len(lines) == len(manifest_rows(scene)) and all(line.count("\t") == 2 for line in lines)


class Page(HTMLParser):
    """Text and tags of an HTML page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read_page(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page


def test_transcripts_hold_every_word_in_order(scene: Scene) -> None:
    markdown, html = export_scene(scene, ["transcript", "transcript-html"])
    rows = sorted(manifest_rows(scene).values(), key=lambda row: row["start_sample"])
    for page in (read_page(MarkdownIt().render(markdown.read_text("utf-8"))), read_page(html.read_text("utf-8"))):
        told, at = " ".join("".join(page.words).split()), 0
        assert TITLE in told
        for row in rows:
            words = row["description"] if row["type"] == "speech" else row["description"].rstrip(".")
            at = told.index(words, at)
            assert row["type"] != "speech" or told[:at].rstrip().endswith(f"{row['character']}:")
        assert page.links == [] and "script" not in page.tags


@pytest.mark.parametrize("write", [export_transcript, export_html_transcript])
def test_no_words_are_read_as_marks(scene: Scene, tmp_path: Path, write: object) -> None:
    rendered = replace(spoken(read_rendered(scene), AWKWARD, "*A* <i>"), title="# *T* <script>alert(1)</script>")
    assert callable(write)
    write(rendered, tmp_path / "out")
    text = (tmp_path / "out").read_text("utf-8")
    page = read_page(MarkdownIt().render(text) if write is export_transcript else text)
    told = " ".join("".join(page.words).split())
    assert " ".join(AWKWARD.split()) in told and "*A* <i>:" in told and "# *T* <script>alert(1)</script>" in told
    assert not set(page.tags) & {"script", "i", "ul", "ol", "li", "a", "code", "blockquote", "table"}


def test_credits_name_licence_and_source_of_every_row(scene: Scene) -> None:
    markdown, table, told = export_scene(scene, ["credits", "credits-csv", "credits-json"])
    rows = manifest_rows(scene)
    with table.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["row"] for row in read] == list(rows)
    assets = json.loads(told.read_text("utf-8"))["assets"]
    for line, asset in zip(read, assets, strict=True):
        for column in COLUMNS:
            assert asset[column] == rows[line["row"]][column] and line[column] == (asset[column] or "")
    text = markdown.read_text("utf-8")
    assert "No licence is told for: r08." in text and text.count("unknown: ask whoever made it") == 1
    cells = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    assert sorted(key for line in cells for key in line[-1].rstrip(" |").split(", ")) == sorted(rows)


def test_a_pipe_in_a_source_does_not_break_the_table_of_credits(scene: Scene, tmp_path: Path) -> None:
    rendered = read_rendered(scene)
    row = rendered.rows[0]
    piped = replace(row, receipt=row.receipt.model_copy(update={"source": "a | b\\\n<i>", "licence": "CC-BY-4.0"}))
    export_credits(replace(rendered, rows=(piped,)), tmp_path / "credits.md")
    page = read_page(MarkdownIt().enable("table").render((tmp_path / "credits.md").read_text("utf-8")))
    assert page.tags.count("td") == 5 and "a | b\\ <i>" in page.words


@pytest.mark.parametrize(
    ("sample", "written"),
    [(0, "00:00:00,000"), (23, "00:00:00,000"), (24, "00:00:00,001"), (48_000 * 3_661 + 47_999, "01:01:02,000")],
)
def test_clock_times_are_the_nearest_millisecond(sample: int, written: str) -> None:
    assert clock(sample, RATE, ",") == written
    assert abs(milliseconds(sample, RATE) * 48 - sample) <= 24


def test_people_get_short_clock_times() -> None:
    assert [short_clock(round(s * RATE), RATE) for s in (0.9, 65.2, 3_600, 36_061)] == [
        "0:00",
        "1:05",
        "1:00:00",
        "10:01:01",
    ]
