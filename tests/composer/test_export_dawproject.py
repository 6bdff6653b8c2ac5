"""The DAWproject file: valid by the public schema where it is at hand and by rules of our own, and exact in time."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from exporting import RATE, ROWS, TITLE, manifest_of, manifest_rows, scene_of, toy_scene

from composer.exports.chapters import chapters_of
from composer.exports.export import export_scene
from composer.exports.rendered import read_rendered
from composer.scene import Scene

SCHEMAS = Path(__file__).parents[3] / "shared" / "schemas"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return toy_scene(tmp_path_factory.mktemp("dawproject"))


@pytest.fixture(scope="module")
def archive(scene: Scene) -> zipfile.ZipFile:
    (path,) = export_scene(scene, ["dawproject"])
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def root(archive: zipfile.ZipFile) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read("project.xml"))


@pytest.mark.parametrize("name", ["Project", "MetaData"])
def test_the_public_schema_finds_no_fault(archive: zipfile.ZipFile, name: str) -> None:
    if not (SCHEMAS / f"{name}.xsd").is_file():
        pytest.skip(f"the public schema {name}.xsd is not at hand; the rules below stand for it")
    import xmlschema

    schema = xmlschema.XMLSchema(str(SCHEMAS / f"{name}.xsd"))
    assert [str(error.reason) for error in schema.iter_errors(io.BytesIO(archive.read(f"{name.lower()}.xml")))] == []


# element -> (attributes that it must have, attributes that it may have, its children in their order); Project.xsd 1.0
RULES: dict[str, tuple[set[str], set[str], list[str]]] = {
    "Project": ({"version"}, set(), ["Application", "Transport", "Structure", "Arrangement"]),
    "Application": ({"name", "version"}, set(), []),
    "Transport": (set(), set(), ["Tempo", "TimeSignature"]),
    "Tempo": ({"unit"}, {"id", "name", "value", "min", "max"}, []),
    "TimeSignature": ({"numerator", "denominator"}, {"id"}, []),
    "Structure": (set(), set(), ["Track"]),
    "Track": (set(), {"id", "name", "color", "contentType", "loaded"}, ["Channel", "Track"]),
    "Channel": (set(), {"id", "audioChannels", "role", "destination"}, ["Pan", "Volume"]),
    "Pan": ({"unit"}, {"id", "name", "value", "min", "max"}, []),
    "Volume": ({"unit"}, {"id", "name", "value", "min", "max"}, []),
    "Arrangement": (set(), {"id"}, ["Lanes", "Markers"]),
    "Lanes": (set(), {"id", "timeUnit", "track"}, ["Lanes", "Clips", "Points"]),
    "Clips": (set(), {"id"}, ["Clip"]),
    "Clip": (
        {"time"},
        {"name", "color", "duration", "contentTimeUnit", "playStart", "fadeTimeUnit", "fadeInTime", "fadeOutTime"},
        ["Audio"],
    ),
    "Audio": ({"channels", "sampleRate", "duration"}, {"id", "algorithm"}, ["File"]),
    "File": ({"path"}, set(), []),
    "Points": (set(), {"id", "unit"}, ["Target", "RealPoint"]),
    "Target": (set(), {"parameter"}, []),
    "RealPoint": ({"time", "value"}, {"interpolation"}, []),
    "Markers": (set(), {"id", "timeUnit"}, ["Marker"]),
    "Marker": ({"time"}, {"name"}, []),
}


def test_elements_attributes_and_references_are_those_of_the_format(root: ElementTree.Element) -> None:
    for element in root.iter():
        must, may, children = RULES[element.tag]
        assert must <= set(element.attrib) <= must | may, element.tag
        order = [children.index(child.tag) for child in element]
        assert order == sorted(order), element.tag
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(names) == len(set(names))
    for attribute, kinds in (("track", {"Track"}), ("destination", {"Channel"}), ("parameter", {"Pan", "Volume"})):
        known = {element.get("id") for element in root.iter() if element.tag in kinds}
        used = {element.get(attribute) for element in root.iter() if element.get(attribute)}
        assert used and used <= known, attribute
    assert root.find("Arrangement/Lanes").get("timeUnit") == "seconds"  # type: ignore[union-attr]


def clips_of(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {(clip.get("name") or "").split(" ")[0]: clip for clip in root.iter("Clip")}


def test_clips_stand_on_their_samples_and_never_overlap_on_a_track(scene: Scene, root: ElementTree.Element) -> None:
    rows, clips = manifest_rows(scene), clips_of(root)
    assert sorted(clips) == sorted(rows)
    for key, clip in clips.items():
        begin, duration = float(clip.get("time") or -1) * RATE, float(clip.get("duration") or -1) * RATE
        assert abs(begin - round(begin)) < 1e-6 and abs(duration - round(duration)) < 1e-6
        assert (round(begin), round(duration)) == (rows[key]["start_sample"], rows[key]["n_samples"])
    for lane in root.iter("Clips"):
        spans = [(float(clip.get("time") or 0), float(clip.get("duration") or 0)) for clip in lane]
        assert all(
            begin + length <= after + 1e-9 for (begin, length), (after, _) in zip(spans, spans[1:], strict=False)
        )


def test_media_are_embedded_with_joins_and_gain_and_without_fades(
    scene: Scene, root: ElementTree.Element, archive: zipfile.ZipFile
) -> None:
    assert archive.testzip() is None and archive.namelist()[:2] == ["metadata.xml", "project.xml"]
    (clips_folder,) = export_scene(scene, ["clips"])
    rendered = {row.row: row.placement for row in read_rendered(scene).rows}
    for key, clip in clips_of(root).items():
        audio = clip.find("Audio")
        assert audio is not None
        path = audio.find("File").get("path")  # type: ignore[union-attr]
        samples, rate = soundfile.read(io.BytesIO(archive.read(path or "")), always_2d=True)
        wanted, _ = soundfile.read(next(clips_folder.glob(f"{key}-*.wav")), always_2d=True)
        assert (rate, str(samples.shape[1])) == (RATE, audio.get("channels"))
        assert len(samples) == len(wanted) == round(float(audio.get("duration") or 0) * RATE)
        fade_in, fade_out = rendered[key].fade_in_samples, rendered[key].fade_out_samples
        assert round(float(clip.get("fadeInTime") or 0) * RATE) == fade_in
        assert round(float(clip.get("fadeOutTime") or 0) * RATE) == fade_out
        middle = slice(fade_in, len(samples) - fade_out)
        assert np.array_equal(samples[middle], wanted[middle])
        assert not fade_in or np.abs(samples[: fade_in // 4]).max() > 1.5 * np.abs(wanted[: fade_in // 4]).max()


def test_tracks_are_grouped_by_bus_and_lead_to_the_master(scene: Scene, root: ElementTree.Element) -> None:
    structure = root.find("Structure")
    assert structure is not None
    tree = {track.get("name"): [child.get("name") for child in track.findall("Track")] for track in structure}
    assert tree == {
        "Speech bus": ["Ann & Söhne", "Bob", "Cy"],
        "Effects bus": ["Effects", "Ambience"],
        "Music bus": ["Music", "Music beds"],
        "Master": [],
    }
    channels = {channel.get("id"): channel for channel in root.iter("Channel")}
    for channel in channels.values():
        steps, at = 0, channel
        while at.get("destination"):
            at, steps = channels[at.get("destination")], steps + 1
        assert at.get("role") == "master" and steps <= 2
    (master,) = (channel for channel in channels.values() if channel.get("role") == "master")
    gain = float(master.find("Volume").get("value") or 0)  # type: ignore[union-attr]
    assert 20.0 * math.log10(gain) == pytest.approx(manifest_of(scene)["mix"]["master_gain_db"], abs=0.001)


def test_pans_that_differ_on_a_track_become_automation_and_beds_are_ducked(
    scene: Scene, root: ElementTree.Element
) -> None:
    rows = manifest_rows(scene)
    names = {track.get("id"): track.get("name") for track in root.iter("Track")}
    automated: dict[tuple[str | None, str], list[tuple[int, float]]] = {}
    for lane in root.findall("Arrangement/Lanes/Lanes"):
        for points in lane.findall("Points"):
            kind = (points.find("Target").get("parameter") or "").split("-")[0]  # type: ignore[union-attr]
            told = [
                (round(float(p.get("time") or 0) * RATE), float(p.get("value") or 0)) for p in points.iter("RealPoint")
            ]
            automated[names[lane.get("track")], kind] = told
    assert set(automated) == {("Bob", "pan"), ("Effects", "pan"), ("Ambience", "volume"), ("Music beds", "volume")}
    wanted = [(row["start_sample"], (row["pan"] + 1) / 2) for row in rows.values() if row["character"] == "Bob"]
    assert automated["Bob", "pan"] == [(at, pytest.approx(pan)) for at, pan in wanted]
    lowest = min(value for _, value in automated["Ambience", "volume"])
    assert 20.0 * math.log10(lowest) == pytest.approx(-6.0, abs=0.01)
    (ambience,) = (track for track in root.iter("Track") if track.get("name") == "Ambience")
    assert float(ambience.find("Channel/Pan").get("value") or 0) == pytest.approx(0.65)  # type: ignore[union-attr]


def test_chapters_are_markers_and_the_title_is_told(
    scene: Scene, root: ElementTree.Element, archive: zipfile.ZipFile
) -> None:
    markers = [(round(float(marker.get("time") or -1) * RATE), marker.get("name")) for marker in root.iter("Marker")]
    assert markers == [(each.start_sample, each.title) for each in chapters_of(read_rendered(scene))]
    assert ElementTree.fromstring(archive.read("metadata.xml")).findtext("Title") == TITLE


def test_rows_that_sound_at_once_get_a_track_more_and_any_letters_are_kept_or_dropped(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"type": "sound_effect", "description": "one \ufffe & <two>\x7f"},
        {"type": "sound_effect", "description": "three", "start": -0.8},
        {"type": "sound_effect", "description": "four", "start": -0.9},
        {**ROWS[1], "character": "\U0001f600 & \"co\""},
    ]  # fmt: skip
    (path,) = export_scene(scene_of(tmp_path / "at once", rows), ["dawproject"])
    root = ElementTree.fromstring(zipfile.ZipFile(path).read("project.xml"))
    names = [track.get("name") for track in root.iter("Track")]
    assert names == ["Speech bus", '\U0001f600 & "co"', "Effects bus", "Effects", "Effects 2", "Effects 3", "Master"]
