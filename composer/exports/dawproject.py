"""DAWproject 1.0: a zip with the session as XML and every row's sound in it, for Bitwig, Studio One, Cubase and others.

Each row is one clip on a track by character and bus. Its sound is embedded as its placement plays it, with joins,
loops and gain in it, because not every program reads gains of clips; its fades are the clip's, its pan the track's (by
automation where rows of a track differ), and beds follow the speech by the track's volume. The room and the limiter
are not there.

Placement: seconds as the shortest decimal that is nearest to the sample: 0 samples of error.

Source: github.com/bitwig/dawproject (MIT), Project.xsd and MetaData.xsd.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from composer.exports.broadcast_wave import printable
from composer.exports.chapters import chapters_of
from composer.exports.envelope import duck_points
from composer.exports.placed import placed_blocks
from composer.exports.rendered import Rendered, RenderedRow
from composer.exports.tracks import BUS_NAMES, SessionTrack, by_bus, tracks_of
from composer.exports.whole import whole_file
from composer.outputs import file_stems
from composer.wavfile import wav_header

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the zip: the same scene gives the same bytes."""


def export_dawproject(rendered: Rendered, path: Path) -> None:
    """Writes the session with its media. Raises ExportFailed; SceneInvalid naming the row when a clip is broken."""
    names = file_stems([row.short_name for row in rendered.rows])
    media = {row.row: f"audio/{name}.wav" for row, name in zip(rendered.rows, names, strict=True)}
    with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("metadata.xml", EPOCH), _xml(_metadata(rendered)))
        archive.writestr(zipfile.ZipInfo("project.xml", EPOCH), _xml(project(rendered, media)))
        for row in rendered.rows:
            with archive.open(zipfile.ZipInfo(media[row.row], EPOCH), "w", force_zip64=True) as out:
                _write_media(out, row, rendered.sample_rate)


def _write_media(out: IO[bytes], row: RenderedRow, sample_rate: int) -> None:
    out.write(wav_header(row.n_samples, sample_rate, row.placement.clip.n_channels, 32, is_float=True))
    for block in placed_blocks(row, gain=True, fades=False):
        out.write(np.ascontiguousarray(block.T, dtype="<f4").tobytes())


def _xml(root: Element) -> bytes:
    indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + bytes(tostring(root, encoding="utf-8")) + b"\n"


def _metadata(rendered: Rendered) -> Element:
    root = Element("MetaData")
    SubElement(root, "Title").text = printable(rendered.title)
    SubElement(root, "Comment").text = "Made with Talescape. Licences and sources are in the scene's credits."
    return root


def project(rendered: Rendered, media: dict[str, str]) -> Element:
    """The session; `media` names the file of each row in the zip."""
    root = Element("Project", version="1.0")
    SubElement(root, "Application", name="Talescape", version=version("talescape"))
    transport = SubElement(root, "Transport")
    SubElement(transport, "Tempo", id="tempo", name="Tempo", unit="bpm", value="120.0", min="20.0", max="666.0")
    SubElement(transport, "TimeSignature", id="signature", numerator="4", denominator="4")
    structure = SubElement(root, "Structure")
    tracks = by_bus(tracks_of(rendered))
    for bus, own in tracks:
        group = _track(structure, f"bus-{bus}", BUS_NAMES[bus], "#808080", "tracks")
        _channel(group, f"bus-{bus}", "submix", "channel-master", 1.0, 0.0)
        for number, track in enumerate(own):
            element = _track(group, f"{bus}-{number}", track.name, track.colour, "audio")
            pans = _pans(track)
            _channel(element, f"{bus}-{number}", "regular", f"channel-bus-{bus}", 1.0, pans[0][1])
    master = _track(structure, "master", "Master", "#404040", "audio")
    _channel(master, "master", "master", None, 10.0 ** (rendered.master_gain_db / 20.0), 0.0)
    arrangement = SubElement(root, "Arrangement", id="arrangement")
    lanes = SubElement(arrangement, "Lanes", id="lanes", timeUnit="seconds")
    points = duck_points(rendered)
    for bus, own in tracks:
        for number, track in enumerate(own):
            _lane(lanes, f"{bus}-{number}", track, rendered, media, points)
    markers = SubElement(arrangement, "Markers", id="markers", timeUnit="seconds")
    for chapter in chapters_of(rendered):
        time = _seconds(chapter.start_sample, rendered.sample_rate)
        SubElement(markers, "Marker", time=time, name=printable(chapter.title))
    return root


def _track(parent: Element, key: str, name: str, colour: str, content: str) -> Element:
    return SubElement(
        parent, "Track", id=f"track-{key}", name=printable(name), color=colour, contentType=content, loaded="true"
    )


def _channel(track: Element, key: str, role: str, destination: str | None, volume: float, pan: float) -> None:
    channel = SubElement(track, "Channel", id=f"channel-{key}", audioChannels="2", role=role)
    if destination is not None:
        channel.set("destination", destination)
    SubElement(channel, "Pan", id=f"pan-{key}", name="Pan", unit="normalized", min="0.0", max="1.0").set(
        "value", repr(_normal(pan))
    )
    highest = repr(max(2.0, round(volume, 6)))
    SubElement(channel, "Volume", id=f"volume-{key}", name="Volume", unit="linear", min="0.0", max=highest).set(
        "value", repr(round(volume, 6))
    )


def _lane(
    parent: Element,
    key: str,
    track: SessionTrack,
    rendered: Rendered,
    media: dict[str, str],
    points: Sequence[tuple[int, float]],
) -> None:
    rate = rendered.sample_rate
    lane = SubElement(parent, "Lanes", id=f"lane-{key}", track=f"track-{key}")
    clips = SubElement(lane, "Clips", id=f"clips-{key}")
    for row in track.rows:
        duration = _seconds(row.n_samples, rate)
        clip = SubElement(
            clips,
            "Clip",
            name=printable(f"{row.row} {row.label}")[:200],
            color=track.colour,
            time=_seconds(row.start_sample, rate),
            duration=duration,
            contentTimeUnit="seconds",
            playStart="0.0",
            fadeTimeUnit="seconds",
            fadeInTime=_seconds(row.placement.fade_in_samples, rate),
            fadeOutTime=_seconds(row.placement.fade_out_samples, rate),
        )
        audio = SubElement(clip, "Audio", id=f"audio-{row.row}", duration=duration, algorithm="raw")
        audio.set("channels", str(row.placement.clip.n_channels))
        audio.set("sampleRate", str(rate))
        SubElement(audio, "File", path=media[row.row])
    pans = _pans(track)
    if len({pan for _, pan in pans}) > 1:
        _automation(lane, f"pan-{key}", "normalized", [(at, _normal(pan)) for at, pan in pans], rate, "hold")
    if track.ducked and points:
        _automation(lane, f"volume-{key}", "linear", points, rate, "linear")


def _pans(track: SessionTrack) -> list[tuple[int, float]]:
    """Where each row begins, with its pan."""
    return [(row.start_sample, row.placement.pan) for row in track.rows]


def _normal(pan: float) -> float:
    """0 for left, 1 for right."""
    return (pan + 1.0) / 2.0


def _automation(
    lane: Element, parameter: str, unit: str, points: Sequence[tuple[int, float]], rate: int, shape: str
) -> None:
    automation = SubElement(lane, "Points", id=f"points-{parameter}", unit=unit)
    SubElement(automation, "Target", parameter=parameter)
    for sample, value in points:
        SubElement(
            automation, "RealPoint", time=_seconds(sample, rate), value=repr(round(value, 6)), interpolation=shape
        )


def _seconds(samples: int, rate: int) -> str:
    return repr(samples / rate)
