"""Cuts a compressed SoundFont (sf3) down to the presets that the composer plays.

Made once, by: python -m training.cut_soundfont FluidR3Mono_GM.sf3 models/music/soundfonts/composer.sf3
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from models.music.soundfont import COMPRESSED, RECORDS, Font, font_bytes, read_font
from models.music.styles import INSTRUMENTS, STYLES

GEN_INSTRUMENT, GEN_SAMPLE = 41, 53
OFFSETS = {0, 1, 2, 3, 4, 12, 45, 50}
"""Generators that shift sample and loop points: they do not survive resampling, and are small; dropped."""


def wanted_presets() -> set[tuple[int, int]]:
    """(bank, program) of everything that the styles and instrument names play, and the standard drum kit."""
    programs = set(INSTRUMENTS.values())
    for style in STYLES:
        programs |= {program for program in (style.melody, style.bass, *style.harmony) if program is not None}
    return {(0, program) for program in programs} | {(128, 0)}


def cut(font: Font, presets: set[tuple[int, int]]) -> bytes:
    """The smaller font as a file's bytes."""
    records = font.records
    headers = records["phdr"][:-1]
    kept_presets = [
        number
        for number, header in enumerate(headers)
        if (struct.unpack_from("<H", header, 22)[0], struct.unpack_from("<H", header, 20)[0]) in presets
    ]
    preset_zones = [_zones(records, "phdr", "pbag", "pgen", "pmod", 24, number) for number in kept_presets]
    instruments = _referred(preset_zones, GEN_INSTRUMENT)
    instrument_zones = [_zones(records, "inst", "ibag", "igen", "imod", 20, number) for number in instruments]
    sample_numbers = _referred(instrument_zones, GEN_SAMPLE)
    out: dict[str, list[bytes]] = {key: [] for key in RECORDS}
    new_instrument = {old: new for new, old in enumerate(instruments)}
    new_sample = {old: new for new, old in enumerate(sample_numbers)}
    for number, zones in zip(kept_presets, preset_zones, strict=True):
        header = headers[number]
        out["phdr"].append(header[:24] + struct.pack("<H", len(out["pbag"])) + header[26:])
        _write_zones(out, "pbag", "pgen", "pmod", zones, GEN_INSTRUMENT, new_instrument)
    for number, zones in zip(instruments, instrument_zones, strict=True):
        out["inst"].append(records["inst"][number][:20] + struct.pack("<H", len(out["ibag"])))
        _write_zones(out, "ibag", "igen", "imod", zones, GEN_SAMPLE, new_sample)
    samples = b""
    for number in sample_numbers:
        header = records["shdr"][number]
        begin, end = struct.unpack_from("<2I", header, 20)
        stream = font.samples[begin:end]
        place = struct.pack("<2I", len(samples), len(samples) + len(stream))
        out["shdr"].append(header[:20] + place + header[28:42] + struct.pack("<HH", 0, COMPRESSED | 1))
        samples += stream
    _terminate(out)
    return font_bytes(Font(out, samples))


Zone = tuple[list[bytes], list[bytes]]


def _zones(
    records: dict[str, list[bytes]], headers: str, bags: str, gens: str, mods: str, at: int, number: int
) -> list[Zone]:
    """The generators and modulators of each zone of one preset or instrument."""
    first, last = (struct.unpack_from("<H", records[headers][n], at)[0] for n in (number, number + 1))
    zones = []
    for bag in range(first, last):
        gen, mod = struct.unpack("<HH", records[bags][bag])
        next_gen, next_mod = struct.unpack("<HH", records[bags][bag + 1])
        kept = [each for each in records[gens][gen:next_gen] if struct.unpack_from("<H", each)[0] not in OFFSETS]
        zones.append((kept, records[mods][mod:next_mod]))
    return zones


def _referred(owners: list[list[Zone]], generator: int) -> list[int]:
    found = {
        struct.unpack_from("<H", gen, 2)[0]
        for zones in owners
        for gens, _ in zones
        for gen in gens
        if struct.unpack_from("<H", gen)[0] == generator
    }
    return sorted(found)


def _write_zones(
    out: dict[str, list[bytes]], bags: str, gens: str, mods: str, zones: list[Zone], generator: int, new: dict[int, int]
) -> None:
    for zone_gens, zone_mods in zones:
        out[bags].append(struct.pack("<HH", len(out[gens]), len(out[mods])))
        for gen in zone_gens:
            kind, value = struct.unpack("<HH", gen)
            out[gens].append(struct.pack("<HH", kind, new[value]) if kind == generator else gen)
        out[mods] += zone_mods


def _terminate(out: dict[str, list[bytes]]) -> None:
    """The terminal records that section 7 asks for."""
    out["phdr"].append(b"EOP".ljust(20, b"\0") + struct.pack("<HHHIII", 0, 0, len(out["pbag"]), 0, 0, 0))
    out["pbag"].append(struct.pack("<HH", len(out["pgen"]), len(out["pmod"])))
    out["inst"].append(b"EOI".ljust(20, b"\0") + struct.pack("<H", len(out["ibag"])))
    out["ibag"].append(struct.pack("<HH", len(out["igen"]), len(out["imod"])))
    for key in ("pgen", "igen", "pmod", "imod"):
        out[key].append(bytes(RECORDS[key]))
    out["shdr"].append(b"EOS".ljust(46, b"\0"))


if __name__ == "__main__":
    made = cut(read_font(Path(sys.argv[1]).read_bytes()), wanted_presets())
    Path(sys.argv[2]).write_bytes(made)
    print(f"{len(made):,} bytes")
