"""SoundFonts: reading them, and expanding our compressed one (sf3) into the sf2 that the synthesizer plays.

Format: SoundFont Technical Specification 2.04 (E-mu, 2006); sf3 is MuseScore's variant whose samples are Ogg streams,
with loop points counted from each sample's own start.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 32_000
LONGEST_S = 2.5
"""Samples that do not loop are cut here, with a fade; those that loop keep attack and loop only."""
RECORDS = {"phdr": 38, "pbag": 4, "pmod": 10, "pgen": 4, "inst": 22, "ibag": 4, "imod": 10, "igen": 4, "shdr": 46}
"""The record lists of the pdta chunk in their order, with the bytes of one record (section 7)."""
COMPRESSED = 0x10


@dataclass
class Font:
    """The nine record lists of the pdta chunk, and the sample bytes."""

    records: dict[str, list[bytes]]
    samples: bytes


def read_font(data: bytes) -> Font:
    records: dict[str, list[bytes]] = {}
    samples = b""
    position = 12
    while position < len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        end = position + 8 + size
        if name == b"LIST":
            inner = position + 12
            while inner < end:
                chunk, n_bytes = struct.unpack_from("<4sI", data, inner)
                body = data[inner + 8 : inner + 8 + n_bytes]
                key = chunk.decode("latin-1")
                if key in RECORDS:
                    records[key] = [body[at : at + RECORDS[key]] for at in range(0, n_bytes, RECORDS[key])]
                elif key == "smpl":
                    samples = body
                inner += 8 + n_bytes + n_bytes % 2
        position = end + (size % 2 if data[end : end + 1] == b"\0" else 0)  # some writers leave the pad byte out
    return Font(records, samples)


def expanded(data: bytes) -> bytes:
    """A compressed font as an ordinary one: 16-bit samples at RATE_HZ. Takes about two seconds for 60 MB."""
    font = read_font(data)
    headers: list[bytes] = []
    pieces: list[NDArray[np.int16]] = []
    start = 0
    for header in font.records["shdr"][:-1]:
        samples, loop = _sample(font, header)
        padded = np.concatenate([samples, np.zeros(46, np.int16)])  # 46 zero points, section 7.10
        points = struct.pack("<5I", start, start + len(samples), start + loop[0], start + loop[1], RATE_HZ)
        headers.append(header[:20] + points + header[40:42] + struct.pack("<HH", 0, 1))
        pieces.append(padded)
        start += len(padded)
    records = {**font.records, "shdr": [*headers, font.records["shdr"][-1]]}
    return font_bytes(Font(records, np.concatenate(pieces).astype("<i2").tobytes()))


def _sample(font: Font, header: bytes) -> tuple[NDArray[np.int16], tuple[int, int]]:
    """One sample at RATE_HZ and its loop points, counted from its start."""
    import soundfile
    import soxr

    begin, end, loop_begin, loop_end, rate = struct.unpack_from("<5I", header, 20)
    kind = struct.unpack_from("<H", header, 44)[0]
    if kind & COMPRESSED:
        samples, _ = soundfile.read(io.BytesIO(font.samples[begin:end]), dtype="float32")
    else:
        samples = np.frombuffer(font.samples[2 * begin : 2 * end], "<i2").astype(np.float32) / 32768
        loop_begin, loop_end = loop_begin - begin, loop_end - begin
    loops = loop_end > loop_begin + 8
    samples = samples[: loop_end + 64] if loops else samples[: round(LONGEST_S * rate)]
    factor = RATE_HZ / rate
    resampled = soxr.resample(samples, rate, RATE_HZ, quality="VHQ")
    if not loops:
        n_fade = min(len(resampled), RATE_HZ // 4)
        resampled[len(resampled) - n_fade :] *= np.linspace(1, 0, n_fade, dtype=np.float32)
    points = (round(loop_begin * factor), round(loop_end * factor)) if loops else (8, max(16, len(resampled) - 8))
    return np.clip(resampled * 32767, -32768, 32767).astype(np.int16), points


def font_bytes(font: Font) -> bytes:
    """The font as a file's bytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    info = chunk(b"ifil", struct.pack("<HH", 2, 4)) + chunk(b"isng", b"EMU8000\0")
    info += chunk(b"INAM", b"Talescape composer, cut from FluidR3Mono_GM (MIT)\0")
    body = chunk(b"LIST", b"INFO" + info) + chunk(b"LIST", b"sdta" + chunk(b"smpl", font.samples))
    body += chunk(b"LIST", b"pdta" + b"".join(chunk(key.encode(), b"".join(font.records[key])) for key in RECORDS))
    return chunk(b"RIFF", b"sfbk" + body)
