"""Compressed copies of the mix: sound, tags, chapters and cover, read by ffmpeg, by libsndfile and by hand."""

from __future__ import annotations

import base64
import io
import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from exporting import RATE, TITLE, toy_scene
from PIL import Image

from composer.compressed import find_ffmpeg
from composer.errors import ExportFailed
from composer.exports import audio
from composer.exports.chapters import chapters_of
from composer.exports.export import export_scene
from composer.exports.rendered import read_rendered
from composer.scene import Scene

FORMATS = ("mp3", "m4a", "ogg", "opus", "flac")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    scene = toy_scene(tmp_path_factory.mktemp("audio"))
    Image.new("RGB", (40, 30), "#123456").save(scene.folder / "cover.png")
    return scene


@pytest.fixture(scope="module")
def paths(scene: Scene) -> dict[str, Path]:
    return dict(zip(FORMATS, export_scene(scene, FORMATS), strict=True))


def told_by_ffmpeg(path: Path) -> str:
    return subprocess.run([find_ffmpeg(), "-i", str(path)], capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("name", FORMATS)
def test_ffmpeg_reads_tags_chapters_and_cover(scene: Scene, paths: dict[str, Path], name: str) -> None:
    told = told_by_ffmpeg(paths[name])
    tags = {key.lower(): value for key, value in re.findall(r"^ +(\w+) +: (.*)$", told, re.M)}
    assert re.search(rf"^ +title +: {re.escape(TITLE)}$", told, re.M | re.I)
    assert tags["album"] == TITLE and tags["genre"] == "Audio drama"
    assert tags["copyright"] == "test; licence unknown"
    assert re.search(r"Video: png.* 40x30.*\(attached pic\)", told)
    chapters = re.findall(r"Chapter #0:\d+: start ([\d.]+), end ([\d.]+)\s+Metadata:\s+title +: (.*)", told)
    wanted = chapters_of(read_rendered(scene))
    assert [title for _, _, title in chapters] == [chapter.title for chapter in wanted] and len(wanted) > 1
    for (begin, _, _), chapter in zip(chapters, wanted, strict=True):
        assert abs(float(begin) * RATE - chapter.start_sample) <= 24.1  # half a millisecond


@pytest.mark.parametrize("name", FORMATS)
def test_the_sound_is_the_mixs(scene: Scene, paths: dict[str, Path], tmp_path: Path, name: str) -> None:
    decoded = tmp_path / "decoded.wav"
    command = [find_ffmpeg(), "-v", "error", "-i", str(paths[name]), "-map", "0:a", "-c:a", "pcm_f32le", str(decoded)]
    subprocess.run(command, check=True)
    samples, rate = soundfile.read(decoded)
    mix, _ = soundfile.read(scene.mix_path)
    assert rate == RATE and samples.shape[1] == 2 and abs(len(samples) - len(mix)) <= (0 if name == "flac" else 1_200)
    n_samples = min(len(samples), len(mix))
    error = samples[:n_samples] - mix[:n_samples]
    assert np.sqrt(np.mean(error**2)) < 0.05 * np.sqrt(np.mean(mix**2))  # a shift of one sample is more
    shifted = np.roll(samples[:n_samples], 3, axis=0) - mix[:n_samples]
    assert np.sqrt(np.mean(shifted**2)) > 0.05 * np.sqrt(np.mean(mix**2))


def test_flac_is_the_mix_bit_by_bit(scene: Scene, paths: dict[str, Path]) -> None:
    assert soundfile.info(paths["flac"]).subtype == "PCM_24"
    ours, mix = (soundfile.read(path, dtype="int32")[0] for path in (paths["flac"], scene.mix_path))
    assert np.array_equal(ours, mix)


def id3_frames(data: bytes) -> list[tuple[str, bytes]]:
    """The frames of an ID3v2.3 tag by its published layout."""
    assert data[:5] == b"ID3\x03\x00"
    size = data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]
    frames, at = [], 10
    while at < 10 + size and data[at]:
        name, length = data[at : at + 4].decode("ascii"), struct.unpack(">I", data[at + 4 : at + 8])[0]
        frames.append((name, data[at + 10 : at + 10 + length]))
        at += 10 + length
    return frames


def test_mp3_has_chap_frames_a_table_of_contents_and_a_front_cover(scene: Scene, paths: dict[str, Path]) -> None:
    frames = id3_frames(paths["mp3"].read_bytes())
    wanted = chapters_of(read_rendered(scene))
    found = {}
    for name, body in frames:
        if name == "CHAP":
            key, _, rest = body.partition(b"\0")
            begin, end, first, last = struct.unpack(">IIII", rest[:16])
            assert first == last == 0xFFFFFFFF and b"TIT2" in rest
            found[key] = (begin, end)
    told_ms = [moment for pair in found.values() for moment in pair]
    wanted_ms = [sample / 48.0 for each in wanted for sample in (each.start_sample, each.end_sample)]
    assert told_ms == pytest.approx(wanted_ms, abs=0.501)
    (contents,) = (body for name, body in frames if name == "CTOC")
    _, _, listed = contents.partition(b"\0")
    assert listed[1] == len(wanted) and listed[2:].split(b"\0")[: len(wanted)] == list(found)
    (picture,) = (body for name, body in frames if name == "APIC")
    assert picture[1:].startswith(b"image/png\0\x03") and (scene.folder / "cover.png").read_bytes() in picture


def test_m4a_tells_its_cover_to_players(scene: Scene, paths: dict[str, Path]) -> None:
    data = paths["m4a"].read_bytes()
    assert b"covr" in data and (scene.folder / "cover.png").read_bytes() in data and b"chpl" in data
    assert data.index(b"moov") < data.index(b"mdat")  # plays while it loads


@pytest.mark.parametrize("name", ["ogg", "opus"])
def test_ogg_holds_its_cover_as_a_picture_block(scene: Scene, paths: dict[str, Path], name: str) -> None:
    data = paths[name].read_bytes()
    found = re.search(rb"METADATA_BLOCK_PICTURE=([A-Za-z0-9+/=]+)", data[:60_000])
    assert found is not None
    block = base64.b64decode(found.group(1))
    kind, mime_size = struct.unpack(">II", block[:8])
    assert kind == 3 and block[8 : 8 + mime_size] == b"image/png"
    assert block.endswith((scene.folder / "cover.png").read_bytes())


def test_without_a_cover_of_its_own_the_scene_shows_its_timeline(tmp_path: Path) -> None:
    scene = toy_scene(tmp_path)
    (path,) = export_scene(scene, ["mp3"])
    (body,) = (body for name, body in id3_frames(path.read_bytes()) if name == "APIC")
    picture = Image.open(io.BytesIO(body[body.index(b"\x89PNG") :]))
    (drawn,) = export_scene(scene, ["png"])
    with Image.open(drawn) as timeline:
        assert picture.size == timeline.size
    assert len(picture.convert("RGB").getcolors(2**20) or []) > 20


def test_a_cover_may_be_given_and_must_be_a_picture(scene: Scene, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (64, 64), "#ff0000").save(photo)
    path, flac = export_scene(scene, ["m4a", "flac"], cover=photo)
    assert photo.read_bytes() in path.read_bytes() and photo.read_bytes() in flac.read_bytes()
    assert "Video: mjpeg" in told_by_ffmpeg(flac)
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    for given, reason in ((bad, "is no picture that can be a cover"), (tmp_path / "none.png", "cannot be read")):
        with pytest.raises(ExportFailed, match=reason):
            export_scene(scene, ["mp3"], cover=given)


def test_a_failing_encoder_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene: Scene
) -> None:
    false = tmp_path / "ffmpeg"
    false.write_text("#!/bin/sh\ncat > /dev/null\necho no such codec >&2\nexit 1\n")
    false.chmod(0o755)
    monkeypatch.setattr(audio, "find_ffmpeg", lambda: str(false))
    shutil.rmtree(scene.export_dir)
    with pytest.raises(ExportFailed, match="toy scene.ogg: cannot be written: ffmpeg says: no such codec"):
        export_scene(scene, ["ogg"])
    assert list(scene.export_dir.iterdir()) == []
