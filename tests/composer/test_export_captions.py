"""Captions: broken as the guides of broadcasters ask, timed as the rows sound, read back by webvtt-py."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import webvtt
from exporting import RATE, manifest_rows, toy_scene
from hypothesis import given
from hypothesis import strategies as st

from composer.exports.caption_text import LINE_WIDTH, captions_of, width
from composer.exports.captions import Cue, cues_of
from composer.exports.export import export_scene
from composer.exports.rendered import Rendered, read_rendered
from composer.scene import Scene
from models.clip import Clip, write_clip

NEWS = (
    "You are listening to Mars News. We begin with news that everyone is talking about: humans have sent a light-speed "
    "probe to Alpha Centauri."
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return toy_scene(tmp_path_factory.mktemp("captions"))


def lines_of(text: str, duration_s: float, prefix: str = "") -> list[tuple[str, ...]]:
    return [caption.lines for caption in captions_of(text, duration_s=duration_s, prefix=prefix)]


def test_captions_break_at_the_borders_of_phrases() -> None:
    assert lines_of(NEWS, 8.0) == [
        ("You are listening to Mars News. We begin", "with news that everyone is talking about:"),
        ("humans have sent a light-speed probe", "to Alpha Centauri."),
    ]
    assert lines_of(NEWS, 8.0, prefix="Host:") == [
        ("Host: You are listening to Mars News.",),
        ("We begin with news", "that everyone is talking about:"),
        ("humans have sent a light-speed probe", "to Alpha Centauri."),
    ]
    assert lines_of("Dr. Smith and Mrs. Jones went home. Nobody saw them again after that night in May.", 5.0) == [
        ("Dr. Smith and Mrs. Jones went home.",),
        ("Nobody saw them again", "after that night in May."),
    ]


def test_an_abbreviation_ends_no_sentence() -> None:
    assert lines_of("He had never in all his life met Dr. Smith in person.", 3.0) == [
        ("He had never in all his life", "met Dr. Smith in person."),
    ]


def test_slow_speech_gets_less_text_in_a_caption() -> None:
    """Nine seconds for 64 letters: in 7 s at most 50 of them are said."""
    slow = captions_of("The sea was calm and grey that morning, and nobody came, nobody.", duration_s=9.0)
    assert len(slow) == 2 and all((caption.end - caption.begin) * 9.0 <= 7.2 for caption in slow)
    assert len(captions_of("The sea was calm and grey that morning, and nobody came, nobody.", duration_s=4.0)) == 1


def test_wide_letters_count_as_wide_and_a_line_never_begins_with_a_small_one() -> None:
    captions = lines_of("人類は光速の探査機をアルファ・ケンタウリに送りました。今夜のニュースをお伝えします。", 8.0)
    lines = [line for caption in captions for line in caption]
    assert "".join(lines) == "人類は光速の探査機をアルファ・ケンタウリに送りました。今夜のニュースをお伝えします。"
    assert max(len(line) for line in lines) <= 16
    assert not any(line[0] in "ァャュョッー・。、" for line in lines)


WORDS = st.lists(
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=60), min_size=1
)


@given(WORDS, st.floats(0.01, 600.0))
def test_no_letter_is_lost_and_no_line_is_too_wide(words: list[str], duration_s: float) -> None:
    text = " ".join(words)
    captions = captions_of(text, duration_s=duration_s)
    assert "".join("".join(caption.lines) for caption in captions).replace(" ", "") == "".join(text.split())
    assert all(len(caption.lines) <= 2 and width(line) <= LINE_WIDTH for caption in captions for line in caption.lines)
    borders = [caption.begin for caption in captions] + [captions[-1].end]
    assert borders[0] == 0.0 and borders[-1] == pytest.approx(1.0) and borders == sorted(borders)


def test_webvtt_reads_speakers_words_and_times_back(scene: Scene) -> None:
    (path,) = export_scene(scene, ["vtt"])
    rows = manifest_rows(scene)
    read = webvtt.read(str(path))
    firsts = {cue.identifier.removesuffix("-1"): cue for cue in read if cue.identifier.endswith("-1")}
    assert sorted(firsts) == sorted(rows)
    for key, cue in firsts.items():
        hours, minutes, seconds = (float(part) for part in cue.start.split(":"))
        assert abs((3_600 * hours + 60 * minutes + seconds) * RATE - rows[key]["start_sample"]) <= 24.001
        assert unescape(cue.voice or "") == (rows[key]["character"] or "")
    for key, row in rows.items():
        said = unescape(" ".join(cue.text.replace("\n", " ") for cue in read if cue.identifier.startswith(f"{key}-")))
        description = row["description"].rstrip(".")
        if row["type"] == "speech":
            assert said == row["description"]
        else:
            assert said == (f"[♪ {description}]" if row["type"] == "music" else f"[{description}]")
    raw = path.read_text("utf-8")
    assert raw.startswith("WEBVTT\n\n") and "<v Ann &amp; Söhne>Good evening" in raw
    assert 'She said "go" &gt; and left.' in raw and "&lt;piano&gt; &amp; strings" in raw
    assert raw.count(" line:0\n") == sum(row["type"] != "speech" for row in rows.values())


def test_srt_is_numbered_names_who_begins_to_speak_and_has_no_empty_line_inside(scene: Scene) -> None:
    (path,) = export_scene(scene, ["srt"])
    data = path.read_bytes().decode("utf-8")
    blocks = data.replace("\r\n", "\n").strip().split("\n\n")
    assert data.count("\r\n") == data.count("\n") and len(blocks) == len(list(webvtt.from_srt(str(path))))
    for number, block in enumerate(blocks, start=1):
        assert re.fullmatch(rf"{number}\n(\d\d:\d\d:\d\d,\d\d\d) --> (\d\d:\d\d:\d\d,\d\d\d)\n[^\n]+(\n[^\n]+)?", block)
    text = "\n".join(blocks)
    assert "Ann & Söhne: Good evening" in text and 'Bob: She said "go" > and left.' in text and "Cy: No." in text
    assert "Bob: Who is there" in text and "[a heavy door]" in text and "[♪ calm <piano> & strings]" in text


def moved(rendered: Rendered, *rows: tuple[int, str, float, float]) -> Rendered:
    """Speech rows as (template, words, begin, duration in seconds) on the clips of the template rows."""
    made = []
    for number, (template, words, start_s, duration_s) in enumerate(rows):
        row = rendered.rows[template]
        start, n_samples = round(start_s * RATE), round(duration_s * RATE)
        receipt = row.receipt.model_copy(
            update={"row": f"x{number}", "description": words, "start_sample": start, "n_samples": n_samples}
        )
        placement = replace(row.placement, row=f"x{number}", start_sample=start, n_samples=n_samples)
        made.append(replace(row, receipt=receipt, placement=placement))
    return replace(rendered, rows=tuple(made))


def test_a_caption_stands_long_enough_to_be_read_and_gives_way_to_the_next(scene: Scene) -> None:
    rendered = read_rendered(scene)
    speech = next(number for number, row in enumerate(rendered.rows) if row.row == "r02")
    made = moved(
        rendered,
        (speech, "No.", 0.0, 0.2),  # alone: 5/6 s
        (speech, "This is said very fast and takes long to read.", 2.0, 0.5),  # 45 letters in two lines: 2.25 s
        (speech, "Yes.", 6.0, 0.3),
        (speech, "At once.", 6.35, 0.5),  # so near that the one before gives way
        (speech, "Into it.", 6.5, 1.0),  # spoken over the one before
        (speech, "After a short pause, too.", 9.0, 1.4),
        (speech, "Then nothing more.", 10.8, 1.2),  # 0.4 s later: no blink between them
    )
    cues = cues_of(made, named=False)
    assert [(cue.start_ms, cue.end_ms) for cue in cues] == [
        (0, 833), (2000, 4250), (6000, 6266), (6350, 6850), (6500, 7500), (9000, 10716), (10800, 12000),
    ]  # fmt: skip


def test_a_border_lies_in_the_pause_that_is_heard(scene: Scene, tmp_path: Path) -> None:
    """A clip whose first sentence takes longer than its letters say: tone, half a second of silence, tone."""
    first, second = "Nobody in the town said a word.", "Then the whole long story came out, to the very end of it."
    tone = (0.3 * np.sin(np.arange(4 * RATE) * 0.05)).astype(np.float32)
    sound = np.concatenate([tone[: round(2.4 * RATE)], np.zeros(RATE // 2, np.float32), tone])
    path = tmp_path / "clip.wav"
    write_clip(Clip(sound[None], RATE), path)
    rendered = read_rendered(scene)
    speech = next(number for number, row in enumerate(rendered.rows) if row.row == "r02")
    made = moved(rendered, (speech, f"{first} {second}", 1.0, len(sound) / RATE))
    placement = made.rows[0].placement
    clip = replace(placement.clip, path=path, n_samples=len(sound), n_channels=1)
    segments = (replace(placement.segments[0], n_samples=len(sound)),)
    row = replace(made.rows[0], placement=replace(placement, clip=clip, segments=segments))
    cues = cues_of(replace(made, rows=(row,)), named=False)
    assert [" ".join(cue.lines) for cue in cues] == [first, second]
    assert cues[1].start_ms == pytest.approx(1_000 + 2_900, abs=10)


def test_a_sound_under_speech_keeps_its_caption_and_a_long_one_is_short(scene: Scene) -> None:
    cues = {cue.row: cue for cue in reversed(cues_of(read_rendered(scene), named=True))}
    rows = manifest_rows(scene)
    for key in ("r01", "r05"):
        assert rows[key]["n_samples"] > 3.5 * RATE
        assert 833 <= cues[key].end_ms - cues[key].start_ms <= 3_500
    assert isinstance(cues["r11"], Cue) and cues["r11"].lines == ("[♪ a short fanfare]",)
