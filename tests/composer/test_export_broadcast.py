"""Broadcast Wave stems and clips, read by libsndfile and by a parser of chunks that knows the published layouts."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from exporting import RATE, ROWS, TITLE, manifest_of, manifest_rows, scene_of, toy_scene
from numpy.typing import NDArray

from composer.errors import ExportFailed
from composer.exports import broadcast_wave
from composer.exports.broadcast_wave import Told, write_broadcast_wave
from composer.exports.clips import FULL_SCALE_24
from composer.exports.export import export_scene
from composer.exports.rendered import read_rendered
from composer.exports.stems import made_at
from composer.exports.whole import whole_folder
from composer.scene import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return toy_scene(tmp_path_factory.mktemp("broadcast"))


def chunks_of(path: Path) -> dict[str, bytes]:
    """The chunks of a RIFF file by name; a chunk of odd length has a byte of padding after it."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE" and struct.unpack("<I", data[4:8])[0] == len(data) - 8
    chunks, at = {}, 12
    while at < len(data):
        name, size = struct.unpack("<4sI", data[at : at + 8])
        chunks[name.decode()] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return chunks


def bext_of(path: Path) -> dict[str, object]:
    """EBU Tech 3285 v2, by the offsets of its table."""
    data = chunks_of(path)["bext"]
    low, high = struct.unpack("<II", data[338:346])
    names = ("loudness", "range", "true_peak", "momentary", "short_term")
    return {
        "description": data[:256].rstrip(b"\0").decode("ascii"),
        "originator": data[256:288].rstrip(b"\0").decode("ascii"),
        "reference": data[288:320].rstrip(b"\0").decode("ascii"),
        "date": data[320:330].decode("ascii"),
        "time": data[330:338].decode("ascii"),
        "time_reference": high << 32 | low,
        "version": struct.unpack("<H", data[346:348])[0],
        "reserved": data[422:602],
        "history": data[602:].decode("ascii"),
        **dict(zip(names, struct.unpack("<5h", data[412:422]), strict=True)),
    }


def ixml_of(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(chunks_of(path)["iXML"].decode("utf-8"))


def test_stems_begin_with_the_scene_are_its_stems_bit_by_bit_and_sum_to_the_mix(scene: Scene) -> None:
    (folder,) = export_scene(scene, ["stems"])
    assert sorted(path.name for path in folder.iterdir()) == [
        f"toy scene-{name}.wav" for name in ("effects", "mix", "music", "speech")
    ]
    stems = []
    for name in ("effects", "music", "speech"):
        path = folder / f"toy scene-{name}.wav"
        samples, rate = soundfile.read(path, dtype="float32")
        own, _ = soundfile.read(scene.stems_dir / f"{name}.wav", dtype="float32")
        assert rate == RATE and soundfile.info(path).subtype == "FLOAT" and np.array_equal(samples, own)
        assert bext_of(path)["time_reference"] == 0
        stems.append(samples.astype(np.float64))
    mix, _ = soundfile.read(folder / "toy scene-mix.wav", dtype="int32")
    assert np.array_equal(mix, soundfile.read(scene.mix_path, dtype="int32")[0])
    assert np.abs(sum(stems) - mix / 2.0**31).max() < 2.0**-22


def test_the_mix_tells_its_loudness_and_a_stem_tells_none(scene: Scene) -> None:
    (folder,) = export_scene(scene, ["stems"])
    mix, speech = bext_of(folder / "toy scene-mix.wav"), bext_of(folder / "toy scene-speech.wav")
    manifest = manifest_of(scene)
    assert mix["loudness"] == round(100 * manifest["loudness_lufs"])
    assert mix["true_peak"] == round(100 * manifest["true_peak_dbtp"])
    assert {mix[name] for name in ("range", "momentary", "short_term")} == {0x7FFF} == {speech["loudness"]}
    assert mix["history"] == "A=PCM,F=48000,W=24,M=stereo,T=Talescape\r\n"
    assert mix["version"] == 2 and mix["originator"] == "Talescape" and not any(bytes(mix["reserved"]))  # type: ignore[call-overload]
    assert f"{mix['date']} {mix['time']}" == made_at(read_rendered(scene)).strftime("%Y-%m-%d %H:%M:%S")
    assert mix["description"] == """mix Mix of The <Bell> & "Ann's" Sohne; a=1 #2 \\o/"""
    assert len(str(mix["reference"])) == 32 and mix["reference"] != speech["reference"]


def test_a_bus_without_rows_has_no_stem(scene: Scene, tmp_path: Path) -> None:
    quiet = scene_of(tmp_path / "talk", [ROWS[1]])
    (folder,) = export_scene(quiet, ["stems"])
    assert sorted(path.name for path in folder.iterdir()) == ["talk-mix.wav", "talk-speech.wav"]


def test_each_clip_has_its_rows_time_and_length(scene: Scene) -> None:
    (folder,) = export_scene(scene, ["clips"])
    rows = manifest_rows(scene)
    paths = {path.name[:3]: path for path in folder.iterdir()}
    assert sorted(paths) == sorted(rows)
    assert paths["r02"].name == "r02-Ann-Söhne-Good-evening-and-welcome-Tonight.wav"
    for key, path in paths.items():
        told, ixml = bext_of(path), ixml_of(path)
        assert told["time_reference"] == rows[key]["start_sample"]
        assert soundfile.info(path).frames == rows[key]["n_samples"]
        assert told["loudness"] == round(100 * rows[key]["loudness_lufs"])
        assert ixml.findtext("TAKE") == key and ixml.findtext("PROJECT") == TITLE
        assert int(ixml.findtext("SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO") or "-1") == rows[key]["start_sample"]
        assert ixml.findtext("FILE_UID") == told["reference"]
        names = [name.text for name in ixml.iterfind("TRACK_LIST/TRACK/NAME")]
        assert len(names) == soundfile.info(path).channels == int(ixml.findtext("TRACK_LIST/TRACK_COUNT") or 0)
    assert ixml_of(paths["r06"]).findtext("NOTE") == 'Bob: She said "go" > and left. (pan +0.4)'
    assert bext_of(paths["r02"])["description"] == (
        "r02 Ann & Sohne: Good evening, and welcome. Tonight, three of us go down into the old mine; "
        "nobody else may know."
    )
    assert [name.text for name in ixml_of(paths["r08"]).iterfind("TRACK_LIST/TRACK/NAME")] == [
        "sound effect L", "sound effect R",
    ]  # fmt: skip


def test_clips_laid_at_their_times_and_panned_are_the_dry_stems(scene: Scene) -> None:
    """Speech and foreground effects, which are not ducked, in a scene without a room; pan is by equal power."""
    (folder,) = export_scene(scene, ["clips"])
    manifest = manifest_of(scene)
    gain = 10.0 ** (manifest["mix"]["master_gain_db"] / 20.0)
    speech, _ = soundfile.read(scene.stems_dir / "speech.wav", dtype="float64")
    laid = np.zeros_like(speech)
    for path in folder.iterdir():
        row = manifest_rows(scene)[path.name[:3]]
        if row["type"] == "speech":
            samples, _ = soundfile.read(path, dtype="float64")
            angle = (row["pan"] + 1.0) * math.pi / 4.0
            at = slice(row["start_sample"], row["start_sample"] + len(samples))
            laid[at] += samples[:, None] * [math.cos(angle), math.sin(angle)]
    assert np.abs(laid * gain - speech).max() < 2e-4 * np.abs(speech).max()


def test_a_looped_bed_is_whole_and_joined(scene: Scene) -> None:
    """Toy beds are tones of constant power: crossfades of equal power neither break off nor swell far."""
    (folder,) = export_scene(scene, ["clips"])
    row = manifest_rows(scene)["r01"]
    path = next(path for path in folder.iterdir() if path.name.startswith("r01"))
    samples, _ = soundfile.read(path)
    own, _ = soundfile.read(scene.folder / row["clip"])
    assert len(samples) > len(own)
    middle = samples[RATE : len(samples) - RATE]
    levels = np.sqrt([np.mean(part**2) for part in np.array_split(middle, len(middle) // 2_400)])
    assert levels.min() > 0.02 * levels.max() and levels.max() < 2.1 * np.median(levels)
    assert np.abs(samples[:100]).max() < 0.02 * np.abs(middle).max()  # the row's own fade


def flac_comments(path: Path) -> dict[str, str]:
    """The Vorbis comments of a FLAC file, by RFC 9639."""
    data = path.read_bytes()
    assert data[:4] == b"fLaC"
    at, is_last = 4, False
    while not is_last:
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 4], "big")
        is_last, kind, block, at = bool(kind & 128), kind & 127, data[at + 4 : at + 4 + size], at + 4 + size
        if kind == 4:
            position = 4 + int.from_bytes(block[:4], "little")
            count, position = int.from_bytes(block[position : position + 4], "little"), position + 4
            found = {}
            for _ in range(count):
                length = int.from_bytes(block[position : position + 4], "little")
                name, _, text = block[position + 4 : position + 4 + length].decode("utf-8").partition("=")
                found[name] = text
                position += 4 + length
            assert position == len(block)
            return found
    raise AssertionError("no comments")


def test_flac_clips_hold_the_same_sound_in_24_bits_and_their_time(scene: Scene) -> None:
    waves, flacs = export_scene(scene, ["clips", "clips-flac"])
    rows = manifest_rows(scene)
    for path in flacs.iterdir():
        samples, rate = soundfile.read(path, dtype="float64")
        wanted, _ = soundfile.read(waves / f"{path.stem}.wav", dtype="float64")
        told = flac_comments(path)
        down = 10.0 ** (-float(told.get("TURNED_DOWN_DB", "0")) / 20.0)
        assert (rate, soundfile.info(path).subtype) == (RATE, "PCM_24")
        assert np.abs(samples - wanted * down).max() <= 2.0**-24 * 1.01
        assert int(told["TIME_REFERENCE"]) == rows[path.name[:3]]["start_sample"]
        assert told["ALBUM"] == TITLE
    assert {path.suffix for path in flacs.iterdir()} == {".flac"}


def test_a_row_that_would_pass_full_scale_in_flac_is_turned_down_and_says_so(tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "loud", [{**ROWS[1], "volume": 0}])
    waves, flacs = export_scene(scene, ["clips", "clips-flac"])
    (wave,), (flac,) = waves.iterdir(), flacs.iterdir()
    peak = np.abs(soundfile.read(wave)[0]).max()
    down_db = int(flac_comments(flac)["TURNED_DOWN_DB"])
    assert peak > 1.0 and down_db == math.ceil(20.0 * math.log10(peak / FULL_SCALE_24))
    assert np.abs(soundfile.read(flac)[0]).max() == pytest.approx(peak * 10.0 ** (-down_db / 20.0), abs=1e-6)


def test_awkward_words_fit_into_their_fields_and_time_counts_past_32_bits(tmp_path: Path, scene: Scene) -> None:
    told = Told(
        project="p\x01",
        scene="s",
        take="t",
        note="a\x00b\ud800 🎉 Ünïcode " + "x" * 20_000,
        track_name="n",
        reference="r" * 40,
        time_reference=2**33 + 5,
        made=made_at(read_rendered(scene)),
        loudness_lufs=-math.inf,
    )
    block: NDArray[np.float32] = np.zeros((3, 1), dtype=np.float32)
    path = tmp_path / "a.wav"
    write_broadcast_wave(path, [block], told, n_samples=3, n_channels=1, sample_rate=RATE)
    bext, ixml = bext_of(path), ixml_of(path)
    assert bext["time_reference"] == 2**33 + 5 and bext["loudness"] == 0x7FFF
    assert str(bext["description"]).startswith("t a?b? ? Unicode xxx") and len(str(bext["description"])) == 256
    assert ixml.findtext("SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI") == "2"
    assert ixml.findtext("SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO") == "5"
    assert (ixml.findtext("NOTE") or "").startswith("ab 🎉 Ünïcode") and ixml.findtext("PROJECT") == "p"
    with pytest.raises(ExportFailed, match="3 samples came where 4 were told"):
        write_broadcast_wave(tmp_path / "b.wav", [block], told, n_samples=4, n_channels=1, sample_rate=RATE)
    assert [each.name for each in tmp_path.iterdir()] == ["a.wav"]


def test_a_folder_takes_the_place_of_all_that_was_there(tmp_path: Path) -> None:
    for leftover in ("out", "out.part", "out.old.part"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "old").write_text("old")
    with whole_folder(tmp_path / "out") as folder:
        (folder / "new").write_text("new")
        assert (tmp_path / "out" / "old").is_file()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "new"]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if source.name == "out.part":
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(ExportFailed, match="out: cannot be written: Permission denied"):
        with whole_folder(tmp_path / "out") as folder:
            (folder / "new").write_text("new")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]


def test_a_full_disk_leaves_nothing_and_says_why(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object, **named: object) -> bytes:
        raise OSError(28, "No space left on device")

    before = sorted(scene.export_dir.iterdir()) if scene.export_dir.is_dir() else []
    monkeypatch.setattr(broadcast_wave, "bext", full)
    with pytest.raises(ExportFailed, match="toy scene-clips: cannot be written: No space left on device"):
        export_scene(scene, ["clips"])
    assert sorted(scene.export_dir.iterdir()) == before
