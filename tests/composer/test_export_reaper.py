"""The Reaper project, read by a parser of its chunks: every row on its sample, with its gain, pan, fades and colour."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from exporting import RATE, TITLE, joined, manifest_of, manifest_rows, toy_scene
from numpy.typing import NDArray

from composer.exports.chapters import chapters_of
from composer.exports.export import export_scene
from composer.exports.reaper import _number, _quoted, export_rpp
from composer.exports.rendered import read_rendered
from composer.scene import Scene


@dataclass
class Chunk:
    """A chunk of a project: its name and words, its lines, its chunks."""

    words: list[str]
    lines: dict[str, list[str]] = field(default_factory=dict)
    repeated: list[list[str]] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)

    def all(self, name: str) -> list[Chunk]:
        return [chunk for chunk in self.chunks if chunk.words[0] == name]

    def numbers(self, name: str) -> list[float]:
        return [float(word) for word in self.lines[name]]


def words_of(line: str) -> list[str]:
    """Words parted by blanks; quotes of three kinds hold words together and know no escapes."""
    words, at = [], 0
    while at < len(line):
        if line[at] == " ":
            at += 1
        elif line[at] in "\"'`":
            end = line.index(line[at], at + 1)
            words.append(line[at + 1 : end])
            at = end + 1
        else:
            end = line.find(" ", at)
            end = len(line) if end < 0 else end
            words.append(line[at:end])
            at = end
    return words


def parse(text: str) -> Chunk:
    root = Chunk(["file"])
    open_chunks = [root]
    for raw in text.splitlines():
        line = raw.strip()
        if line == ">":
            open_chunks.pop()
        elif line.startswith("<"):
            chunk = Chunk(words_of(line[1:]))
            open_chunks[-1].chunks.append(chunk)
            open_chunks.append(chunk)
        else:
            name, *values = words_of(line)
            open_chunks[-1].lines[name] = values
            open_chunks[-1].repeated.append([name, *values])
    assert open_chunks == [root]
    (project,) = root.chunks
    return project


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return toy_scene(tmp_path_factory.mktemp("reaper"))


@pytest.fixture(scope="module")
def project(scene: Scene) -> Chunk:
    (path,) = export_scene(scene, ["rpp"])
    return parse(path.read_text("utf-8"))


def items_by_row(project: Chunk) -> dict[str, list[Chunk]]:
    found: dict[str, list[Chunk]] = {}
    for track in project.all("TRACK"):
        for item in track.all("ITEM"):
            found.setdefault(item.lines["NAME"][0].split(" ")[0], []).append(item)
    return found


def test_items_cover_their_rows_to_the_sample(scene: Scene, project: Chunk) -> None:
    rows, items = manifest_rows(scene), items_by_row(project)
    assert sorted(items) == sorted(rows)
    for key, pieces in items.items():
        begins = [item.numbers("POSITION")[0] * RATE for item in pieces]
        ends = [begin + item.numbers("LENGTH")[0] * RATE for begin, item in zip(begins, pieces, strict=True)]
        assert all(abs(place - round(place)) < 1e-6 for place in begins + ends)
        assert round(min(begins)) == rows[key]["start_sample"]
        assert round(max(ends)) == rows[key]["start_sample"] + rows[key]["n_samples"]
        for end, begin, item in zip(ends[:-1], begins[1:], pieces[1:], strict=True):
            assert round(end - begin) == round(item.numbers("FADEIN")[1] * RATE)  # they overlap by their crossfade
        if len(pieces) > 1:
            assert len({tuple(item.lines["GROUP"]) for item in pieces}) == 1


def test_gains_pans_and_fades_are_those_of_the_mix(scene: Scene, project: Chunk) -> None:
    rendered = {row.row: row for row in read_rendered(scene).rows}
    for key, pieces in items_by_row(project).items():
        row = manifest_rows(scene)[key]
        for item in pieces:
            trim, pan, gain, law = item.numbers("VOLPAN")
            assert trim == 1.0 and pan == row["pan"]
            assert 20.0 * math.log10(gain) == pytest.approx(row["gain_db"], abs=0.0006)
            n_channels = rendered[key].placement.clip.n_channels
            assert law == pytest.approx(math.sqrt(0.5) if n_channels == 1 else 1.0)
        fade_in, fade_out = pieces[0].numbers("FADEIN"), pieces[-1].numbers("FADEOUT")
        placement = rendered[key].placement
        assert round(fade_in[1] * RATE) == placement.fade_in_samples
        assert round(fade_out[1] * RATE) == placement.fade_out_samples
        assert (fade_in[0] == 1.0) == (placement.fade_in_samples > 0)
    assert {row.n_channels for row in (each.placement.clip for each in rendered.values())} == {1, 2}


def test_pieces_from_the_middle_of_a_clip_begin_there(scene: Scene, tmp_path: Path) -> None:
    rendered = joined(read_rendered(scene))
    export_rpp(rendered, tmp_path / "joined.rpp")
    first, second = items_by_row(parse((tmp_path / "joined.rpp").read_text("utf-8")))["r01"]
    assert [round(item.numbers("SOFFS")[0] * RATE) for item in (first, second)] == [2_001, 70_007]
    assert round((second.numbers("POSITION")[0] - first.numbers("POSITION")[0]) * RATE) == 38_560


def test_sources_are_the_scenes_clips_by_a_path_from_the_project(scene: Scene, project: Chunk) -> None:
    for key, pieces in items_by_row(project).items():
        for item in pieces:
            (source,) = item.all("SOURCE")
            assert source.words == ["SOURCE", "WAVE"]
            path = (scene.export_dir / source.lines["FILE"][0]).resolve()
            assert path == (scene.folder / manifest_rows(scene)[key]["clip"]).resolve() and path.is_file()
            assert not Path(source.lines["FILE"][0]).is_absolute()


def test_tracks_stand_by_bus_and_character_with_names_and_colours(project: Chunk) -> None:
    tracks = project.all("TRACK")
    assert [track.lines["NAME"][0] for track in tracks] == [
        "Speech bus", "Ann & Söhne", "Bob", "Cy", "Effects bus", "Effects", "Ambience", "Music bus", "Music",
        "Music beds",
    ]  # fmt: skip
    depths, depth = [], 0
    for track in tracks:
        depths.append(depth)
        depth += int(track.lines["ISBUS"][1])
    assert depth == 0 and depths == [0, 1, 1, 1, 0, 1, 1, 0, 1, 1]
    colours = {track.lines["NAME"][0]: int(track.lines["PEAKCOL"][0]) for track in tracks}
    assert all(colour & 0x1000000 for colour in colours.values())
    assert colours["Ann & Söhne"] & 0xFFFFFF == 0xB27200 and colours["Bob"] != colours["Cy"]  # #0072b2 as BGR
    assert len({track.words[1] for track in tracks}) == len(tracks)


def test_beds_follow_the_speech_and_nothing_else_does(scene: Scene, project: Chunk) -> None:
    ducked = {track.lines["NAME"][0]: track.all("VOLENV2") for track in project.all("TRACK")}
    assert {name for name, envelopes in ducked.items() if envelopes} == {"Ambience", "Music beds"}
    (envelope,) = ducked["Ambience"]
    points = [(float(line[1]), float(line[2])) for line in envelope.repeated if line[0] == "PT"]
    assert points == sorted(points) and points[0][0] == 0.0 and len(points) < 60

    def level_db(moment_s: float) -> float:
        after = next(number for number, point in enumerate(points) if point[0] >= moment_s)
        (begin, low), (end, high) = points[max(0, after - 1)], points[after]
        return 20.0 * math.log10(low + (high - low) * ((moment_s - begin) / (end - begin) if end > begin else 0.0))

    rows = manifest_rows(scene)
    for key in ("r02", "r06", "r09"):
        middle_s = (rows[key]["start_sample"] + rows[key]["n_samples"] / 2) / RATE
        assert level_db(middle_s) == pytest.approx(-6.0, abs=0.01)
    assert level_db(rows["r11"]["start_sample"] / RATE + 0.9) == pytest.approx(0.0, abs=0.01)


def played(project: Chunk, folder: Path, names: set[str], n_samples: int) -> NDArray[np.float64]:
    """The tracks of these names as the numbers of the project say, with sine fades and pans of equal power."""
    bus = np.zeros((n_samples, 2))
    for track in project.all("TRACK"):
        if track.lines["NAME"][0] not in names:
            continue
        own = np.zeros((n_samples, 2))
        for item in track.all("ITEM"):
            begin, length, offset = (round(item.numbers(name)[0] * RATE) for name in ("POSITION", "LENGTH", "SOFFS"))
            source = item.all("SOURCE")[0].lines["FILE"][0]
            sound = soundfile.read(folder / source, start=offset, frames=length, always_2d=True)[0]
            for name, order in (("FADEIN", 1), ("FADEOUT", -1)):
                n_fade = round(item.numbers(name)[1] * RATE)
                sound[::order][:n_fade] *= np.sin((np.arange(n_fade)[:, None] + 0.5) * np.pi / 2 / max(n_fade, 1))
            _, pan, gain, law = item.numbers("VOLPAN")
            angle = (pan + 1.0) * np.pi / 4.0
            sides = np.array([np.cos(angle), np.sin(angle)]) * (1.0 if law < 1.0 else np.sqrt(2.0))
            own[begin : begin + length] += sound * gain * sides
        for envelope in track.all("VOLENV2"):
            points = np.array([[float(word) for word in line[1:3]] for line in envelope.repeated if line[0] == "PT"])
            own *= np.interp(np.arange(n_samples) / RATE, points[:, 0], points[:, 1])[:, None]
        bus += own
    return bus * project.numbers("MASTER_VOLUME")[0]


@pytest.mark.parametrize(
    ("stem", "names", "allowed"),
    [
        ("speech", {"Ann & Söhne", "Bob", "Cy"}, 1e-4),
        ("music", {"Music", "Music beds"}, 0.01),  # Reaper's envelope is straight in gain, the mix's in decibels
        ("effects", {"Effects", "Ambience"}, 0.01),
    ],
)
def test_the_project_played_is_the_scenes_stem(
    scene: Scene, project: Chunk, stem: str, names: set[str], allowed: float
) -> None:
    wanted, _ = soundfile.read(scene.stems_dir / f"{stem}.wav")
    error = played(project, scene.export_dir, names, len(wanted)) - wanted
    bell = manifest_rows(scene)["r08"]  # Reaper pans two channels as a balance, the mix moves one over
    error[bell["start_sample"] : bell["start_sample"] + bell["n_samples"]] = 0.0
    assert np.sqrt(np.mean(error**2)) < allowed * np.sqrt(np.mean(wanted**2))


def test_the_project_has_the_scenes_rate_gain_title_and_chapters(scene: Scene, project: Chunk) -> None:
    gain = project.numbers("MASTER_VOLUME")[0]
    assert 20.0 * math.log10(gain) == pytest.approx(manifest_of(scene)["mix"]["master_gain_db"], abs=1e-6)
    assert project.lines["SAMPLERATE"][:2] == ["48000", "1"] and project.lines["TITLE"] == [TITLE.replace("`", "'")]
    markers = [(round(float(line[2]) * RATE), line[3]) for line in project.repeated if line[0] == "MARKER"]
    assert markers == [(each.start_sample, each.title) for each in chapters_of(read_rendered(scene))]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", '"plain"'),
        ('a "b"', "'a \"b\"'"),
        ("a \"b\" 'c'", "`a \"b\" 'c'`"),
        ("\"a\" 'b' `c`\n<d>", "`\"a\" 'b' 'c' <d>`"),
    ],
)
def test_names_get_quotes_that_they_do_not_hold(text: str, written: str) -> None:
    assert _quoted(text) == written and len(words_of(written)) == 1
    assert shlex.split('"x"') == words_of('"x"')


def test_numbers_have_no_exponent_and_keep_their_sample_for_a_day() -> None:
    assert [_number(value) for value in (1e-7, 0.0, 2.5, 1.0)] == ["0.0000001", "0", "2.5", "1"]
    for sample in (1, 48_001, 24 * 3600 * RATE - 1):
        assert round(float(_number(sample / RATE)) * RATE) == sample
