"""Broadcast Wave files: samples with a time reference, a description and their loudness, written in a stream.

Conventions: the bext chunk is version 2 (EBU Tech 3285), the time reference counts samples from the scene's begin as
from midnight; the iXML chunk (ixml.info, 1.61) says the same once more for programs that read that. bext holds ASCII
only; iXML has all letters. Samples are float32 or 24-bit PCM; files over 4 GiB are RF64 (EBU Tech 3306).
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from composer.errors import ExportFailed
from composer.exports.whole import whole_file
from composer.wavfile import wav_header

ORIGINATOR = "Talescape"
NOT_MEASURED = 0x7FFF
"""What EBU Tech 3285 v2 puts where a loudness is not told."""
MAX_NOTE = 10_000
_DESCRIPTION, _ORIGINATOR, _REFERENCE = 256, 32, 32


@dataclass(frozen=True)
class Told:
    """What a file says of itself."""

    project: str
    scene: str
    take: str
    note: str
    track_name: str
    reference: str
    time_reference: int
    made: datetime
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None


def write_broadcast_wave(
    path: Path,
    blocks: Iterable[NDArray[np.float32] | NDArray[np.int32]],
    told: Told,
    *,
    n_samples: int,
    n_channels: int,
    sample_rate: int,
) -> None:
    """Writes blocks of frames (n, channels): float32 as they are, int32 as 24-bit PCM by their upper bits.

    Raises ExportFailed when the blocks hold another number of samples, or the disk refuses.
    """
    iterator = iter(blocks)
    first = next(iterator, np.zeros((0, n_channels), dtype=np.float32))
    is_float = first.dtype == np.float32
    n_bits = 32 if is_float else 24
    chunks = _chunk(b"bext", bext(told, sample_rate, n_channels, n_bits)) + _chunk(
        b"iXML", ixml(told, sample_rate, n_channels, n_bits)
    )
    header = wav_header(n_samples, sample_rate, n_channels, n_bits, is_float=is_float, before=chunks)
    with whole_file(path) as file:
        file.write(header)
        n_written = 0
        block: NDArray[np.float32] | NDArray[np.int32] | None = first
        while block is not None:
            file.write(block.astype("<f4").tobytes() if is_float else _upper_24(block))
            n_written += len(block)
            block = next(iterator, None)
        if n_written != n_samples:
            raise ExportFailed(f"{path}: {n_written} samples came where {n_samples} were told; render the scene again")


def _upper_24(block: NDArray[np.float32] | NDArray[np.int32]) -> bytes:
    octets: NDArray[np.uint8] = np.ascontiguousarray(block).astype("<i4").reshape(-1, 1).view(np.uint8)
    return octets[:, 1:].tobytes()


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def bext(told: Told, sample_rate: int, n_channels: int, n_bits: int) -> bytes:
    """The data of a bext chunk, version 2."""
    channels = {1: "mono", 2: "stereo"}[n_channels]
    history = f"A=PCM,F={sample_rate},W={n_bits},M={channels},T={ORIGINATOR}\r\n"
    return struct.pack(
        f"<{_DESCRIPTION}s{_ORIGINATOR}s{_REFERENCE}s10s8sQH64s5H180s",
        _ascii(f"{told.take} {told.note}", _DESCRIPTION),
        _ascii(ORIGINATOR, _ORIGINATOR),
        _ascii(told.reference, _REFERENCE),
        told.made.strftime("%Y-%m-%d").encode("ascii"),
        told.made.strftime("%H:%M:%S").encode("ascii"),
        told.time_reference,
        2,
        b"",
        _hundredths(told.loudness_lufs),
        NOT_MEASURED,
        _hundredths(told.true_peak_dbtp),
        NOT_MEASURED,
        NOT_MEASURED,
        b"",
    ) + history.encode("ascii")


def _ascii(text: str, n_bytes: int) -> bytes:
    """Accents fall away, other letters become question marks; cut to `n_bytes`."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in plain).encode("ascii")[:n_bytes]


def _hundredths(value: float | None) -> int:
    """Hundredths of a decibel as the 16 bits of a signed number."""
    if value is None or not isfinite(value) or abs(value) > 300.0:
        return NOT_MEASURED
    return round(100.0 * value) & 0xFFFF


def ixml(told: Told, sample_rate: int, n_channels: int, n_bits: int) -> bytes:
    """The data of an iXML chunk."""
    root = ElementTree.Element("BWFXML")

    def tell(parent: ElementTree.Element, **values: object) -> None:
        for name, value in values.items():
            ElementTree.SubElement(parent, name).text = printable(str(value))

    tell(root, IXML_VERSION="1.61", PROJECT=told.project, SCENE=told.scene, TAKE=told.take, NOTE=told.note[:MAX_NOTE])
    tell(root, FILE_UID=told.reference)
    tell(
        ElementTree.SubElement(root, "SPEED"),
        FILE_SAMPLE_RATE=sample_rate,
        AUDIO_BIT_DEPTH=n_bits,
        TIMESTAMP_SAMPLE_RATE=sample_rate,
        TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI=told.time_reference >> 32,
        TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO=told.time_reference & 0xFFFFFFFF,
    )
    tracks = ElementTree.SubElement(root, "TRACK_LIST")
    tell(tracks, TRACK_COUNT=n_channels)
    for number in range(1, n_channels + 1):
        side = ("", " L", " R")[number if n_channels == 2 else 0]
        track = ElementTree.SubElement(tracks, "TRACK")
        tell(track, CHANNEL_INDEX=number, INTERLEAVE_INDEX=number, NAME=told.track_name + side)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + bytes(ElementTree.tostring(root, encoding="utf-8"))


def printable(text: str) -> str:
    """The text without what XML 1.0 cannot hold."""
    return "".join(
        letter
        for letter in text
        if letter in "\t\n" or " " <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter >= "\U00010000"
    )
