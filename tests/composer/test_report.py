"""The report: what stands in the page, that it holds all it shows, and that words from a scene stay words."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from exporting import RATE, ROWS, SETTINGS, TITLE, manifest_of, manifest_rows, scene_of, toy_scene
from report_pages import Page, read_page
from scipy import signal
from typer.testing import CliRunner

import cli
from composer.errors import ExportFailed, SceneInvalid
from composer.report import write_report
from composer.report_sounds import LONGEST_ROW_S, ROW_LUFS
from composer.scene import Scene
from composer.settings import MixSettings, Settings
from models.audio import loudness_lufs

EVIL = "<script>alert(1)</script> {{ 7 * 7 }} {% raw %} \"onload='x' &lt; \u202eback\u202c \x07"
Sound = np.ndarray[Any, np.dtype[np.float32]]


def players(page: Page) -> dict[str, dict[str, str]]:
    return {audio["aria-label"].split(",")[0]: audio for audio in page.all("audio")}


def heard(audio: dict[str, str]) -> tuple[Sound, int]:
    """The samples of a player, decoded, (n_samples, channels), and their rate."""
    kind, _, data = audio["src"].partition(",")
    assert kind == "data:audio/mpeg;base64"
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data, validate=True)), dtype="float32", always_2d=True)
    return samples, rate


def likeness(one: Sound, other: Sound) -> float:
    """The highest correlation of two sounds under 8 kHz, whatever lies between their begins."""
    low = signal.butter(6, 8_000, fs=RATE, output="sos")
    one, other = signal.sosfilt(low, one), signal.sosfilt(low, other)
    n = 2 ** int(np.ceil(np.log2(len(one) + len(other))))
    products = np.fft.irfft(np.fft.rfft(one, n) * np.conj(np.fft.rfft(other, n)))
    return float(products.max() / np.sqrt((one**2).sum() * (other**2).sum()))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return toy_scene(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(scene: Scene) -> Page:
    return read_page(write_report(scene).path)


def test_every_row_stands_in_the_table_with_its_player(scene: Scene, page: Page) -> None:
    rows = manifest_rows(scene)
    assert set(players(page)) == {"The whole mix", *rows}
    for key, row in rows.items():
        line = page.line(key)
        assert " ".join(row["description"].split()) in line
        assert f"{row['n_samples'] / RATE:.1f} s" in line and row["engine"] in line
        assert (row["character"] or row["type"].replace("_", " ")) in line


def test_players_sound_like_the_clips_and_the_mix(scene: Scene, page: Page) -> None:
    for key, row in manifest_rows(scene).items():
        samples, rate = heard(players(page)[key])
        clip, _ = soundfile.read(scene.folder / row["clip"], dtype="float32", always_2d=True)
        assert rate == RATE and abs(len(samples) - len(clip)) < 0.12 * RATE
        if len(clip) > RATE:
            assert loudness_lufs(samples.T, RATE) == pytest.approx(ROW_LUFS, abs=0.5)
        assert likeness(samples.mean(axis=1), clip.mean(axis=1)) > 0.9, key
    samples, _ = heard(players(page)["The whole mix"])
    mix, _ = soundfile.read(scene.mix_path, dtype="float32")
    assert samples.shape[1] == 2
    for side in range(2):
        assert likeness(samples[:, side], mix[:, side]) > 0.9


def test_the_page_holds_all_that_it_shows_and_forbids_the_rest(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "video")
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "action", "poster", "srcset", "data", "xlink:href"):
                assert value.startswith(("data:audio/mpeg;base64,", "#")), (tag, value[:80])
            elif name != "xmlns":
                assert "://" not in value, (tag, name, value[:80])
    assert "url(" not in page.texts["style"][0] and "@import" not in page.texts["style"][0]
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["media-src"] == "data:"
    for name in ("style", "script"):
        (text,) = page.texts[name]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"


def test_headings_labels_and_tables_can_be_read_aloud(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en" and page.texts["title"][0] == TITLE
    levels = [tag for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == "h1" and levels.count("h1") == 1 and set(levels[1:]) == {"h2"}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "href"):
            if name in attributes:
                assert attributes[name].removeprefix("#") in ids
    assert all(audio["aria-label"] and "controls" in audio for audio in page.all("audio"))
    assert all("scope" in heading for heading in page.all("th"))
    drawings = page.all("svg")
    assert len(drawings) == 2 and all(drawing["role"] == "img" for drawing in drawings)
    assert all("user-scalable" not in meta.get("content", "") for meta in page.all("meta"))


def test_loudness_credits_and_target_are_told(scene: Scene, page: Page) -> None:
    manifest = manifest_of(scene)
    text = " ".join(page.texts["body"][0].split())
    assert "Target -32.0 LUFS with true peaks up to -1.0 dBTP" in text
    assert f"{manifest['loudness_lufs']:.1f} LUFS" in page.line("mix")
    assert f"{manifest['true_peak_dbtp']:.1f} dBTP" in page.line("mix")
    for bus in ("speech", "music", "effects"):
        assert any(line.startswith(bus) and line.count("LUFS") == 2 and "dBTP" in line for line in page.texts["tr"])
    for row in manifest["rows"]:
        said = [line for line in page.texts["tr"] if row["row"] in line and not line.startswith(row["row"])]
        assert any((row["licence"] or "unknown: ask whoever made it") in line for line in said), row["row"]


def test_what_comes_from_a_scene_stays_words(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"type": "speech", "character": f"Ann {EVIL}", "description": f"Hello. {EVIL}", "section": f"One {EVIL}"},
        {"type": "sound_effect", "layout": "background", "id": 1, "action": "begin", "description": f"rain {EVIL}"},
        {"type": "speech", "character": "Bob", "description": f"CRASH {EVIL}"},
        {"type": "speech", "character": "Bob", "description": "And then?"},
        {"type": "sound_effect", "layout": "background", "id": 1, "action": "end"},
    ]
    for row in rows:
        for column in ("character", "description"):
            if column in row:  # the toy speaks ASCII only
                row[column] = str(row[column]).encode("ascii", "ignore").decode()
    scene = scene_of(tmp_path / "scene", rows, Settings(title=EVIL, mix=MixSettings(room="none")))
    manifest = manifest_of(scene)
    for row in manifest["rows"]:
        row["licence"], row["source"] = EVIL, EVIL
    scene.manifest_path.write_text(json.dumps(manifest), "utf-8")
    path = write_report(scene).path
    page = read_page(path)
    assert len(page.all("script")) == 1 and "alert" not in page.texts["script"][0]
    assert page.texts["h1"] == [EVIL.replace("\u202e", " ").replace("\u202c", " ").replace("\x07", " ")]
    assert page.texts["body"][0].count("<script>alert(1)</script>") >= 8
    assert "{{ 7 * 7 }}" in page.texts["main"][0] and "\u202e" not in path.read_text("utf-8")


def test_rows_that_failed_are_told_with_their_reason(tmp_path: Path) -> None:
    rows = [*ROWS[:3], {"type": "speech", "character": "Cy", "description": "CRASH now"}, ROWS[3]]
    scene = scene_of(tmp_path / "scene", rows, SETTINGS)
    assert [fault["row"] for fault in manifest_of(scene)["failed"]] == ["r04"]
    page = read_page(write_report(scene).path)
    (told,) = [text for text in page.texts["li"] if text.startswith("r04")]
    assert "the toy crashed" in told and "CRASH now" in told
    assert "What failed" in page.texts["h2"]
    assert "r04" not in players(page)
    manifest = manifest_of(scene)
    scene.manifest_path.write_text(json.dumps({**manifest, "failed": []}), "utf-8")
    page = read_page(write_report(scene).path)
    assert any(text.startswith("r04: was not made") for text in page.texts["li"])


def test_sections_are_headings_in_the_table(tmp_path: Path) -> None:
    rows = [{**row, "section": name} for row, name in zip(ROWS[5:9], ("One", "", "Two", ""), strict=True)]
    page = read_page(write_report(scene_of(tmp_path / "scene", rows)).path)
    headings = [text for text, th in zip(page.texts["th"], page.all("th"), strict=True) if th["scope"] == "rowgroup"]
    assert headings == ["One", "Two"]


def test_a_page_that_would_be_too_large_says_what_is_left_out(scene: Scene, tmp_path: Path) -> None:
    rows = list(manifest_rows(scene))
    whole = write_report(scene, tmp_path / "whole.html")
    assert whole.left_out == [] and not whole.mix_left_out and whole.n_players == len(rows) + 1
    written = write_report(scene, tmp_path / "small.html", max_mb=0.15)
    page = read_page(written.path)
    assert 0 < sum(len(audio["src"]) for audio in page.all("audio")) <= 0.15e6 + 40 * written.n_players
    assert written.left_out and written.left_out == rows[-len(written.left_out) :]
    note = next(text for text in page.texts["p"] if "--max-mb" in text and "rows" in text)
    assert note.startswith(f"{len(written.left_out)} of {len(rows)} rows, from {written.left_out[0]} on")
    assert all("left out" in page.line(key) for key in written.left_out)
    none = write_report(scene, tmp_path / "none.html", max_mb=0.0)
    page = read_page(none.path)
    assert none.mix_left_out and page.all("audio") == []
    needed = re.search(r"needs --max-mb (\d+)", page.texts["main"][0])
    assert needed is not None and not write_report(scene, none.path, max_mb=float(needed[1])).mix_left_out


def test_a_long_clip_is_heard_for_its_first_seconds(tmp_path: Path) -> None:
    rows = [{"type": "speech", "character": "Ann", "description": "And so on, and on. " * 35}]
    page = read_page(write_report(scene_of(tmp_path / "scene", rows)).path)
    samples, _ = heard(players(page)["r01"])
    assert len(samples) == pytest.approx(LONGEST_ROW_S * RATE, abs=0.12 * RATE)
    assert np.abs(samples[-RATE // 50 :]).max() < 0.1 * np.abs(samples).max()
    assert "the first 30 s of 40 s" in page.line("r01")


def test_the_same_scene_gives_the_same_page(scene: Scene, tmp_path: Path) -> None:
    one, other = (write_report(scene, tmp_path / name).path.read_bytes() for name in ("one.html", "other.html"))
    assert one == other


def test_what_cannot_be_reported_is_said_in_one_line(tmp_path: Path) -> None:
    def failed(folder: Path) -> str:
        with pytest.raises((ExportFailed, SceneInvalid)) as caught:
            CliRunner().invoke(cli.app, ["report", str(folder)], catch_exceptions=False)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "there is no such scene folder" in failed(tmp_path / "nowhere")
    (tmp_path / "photos").mkdir()
    assert "is no scene folder" in failed(tmp_path / "photos")
    assert list((tmp_path / "photos").iterdir()) == []
    planned = Scene(tmp_path / "planned")
    planned.folder.mkdir()
    planned.write_settings(Settings())
    assert f"make it with: talescape render {planned.folder}" in failed(planned.folder)
    scene = toy_scene(tmp_path)
    row = manifest_rows(scene)["r02"]
    (scene.folder / row["clip"]).unlink()
    assert f"row r02: its clip {row['clip']} is missing" in failed(scene.folder)
    assert not list(scene.export_dir.glob("*"))


def test_an_output_that_is_no_page_is_refused(scene: Scene, tmp_path: Path) -> None:
    before = scene.script_path.read_bytes()
    with pytest.raises(ExportFailed, match="a report is a page"):
        write_report(scene, scene.script_path)
    assert scene.script_path.read_bytes() == before
    (tmp_path / "page.html").mkdir()
    with pytest.raises(ExportFailed, match="is a folder"):
        write_report(scene, tmp_path / "page.html")
    with pytest.raises(ExportFailed, match="cannot be made a folder"):
        write_report(scene, scene.script_path / "inside" / "page.html")


def test_the_command_prints_the_page(scene: Scene, tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    result = CliRunner().invoke(cli.app, ["report", str(scene.folder), "-o", str(page), "--json"])
    told = json.loads(result.stdout)
    assert told["path"] == str(page) and told["n_bytes"] == page.stat().st_size and told["left_out"] == []
    result = CliRunner().invoke(cli.app, ["report", str(scene.folder), "-o", str(page), "--max-mb", "0.05"])
    assert result.stdout.strip() == str(page) and "have no player" in result.stderr
