"""The report of a scene: one page with its picture, a player for every row, loudness, credits and what failed.

The page holds all that it shows and forbids itself, by its content security policy, to ask for anything outside.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Any

from composer.errors import ExportFailed
from composer.exports.clock import short_clock
from composer.exports.credits import UNKNOWN, grouped
from composer.exports.drawing import svg_element
from composer.exports.picture import draw_timeline
from composer.exports.picture_lanes import NARROW, WIDE
from composer.exports.picture_sounds import Sounds as PictureSounds
from composer.exports.rendered import Rendered, RenderedRow, read_rendered
from composer.exports.whole import whole_file
from composer.report_colours import dark_rules
from composer.report_loudness import Loudness, measure
from composer.report_sounds import MB, Player, Sounds, embed
from composer.scene import Scene
from composer.tables import read_table

MAX_MB = 24.0
"""How much sound a page holds if nothing else is said: a phone opens it, and most mail takes it."""
BUSES = ("speech", "music", "effects")


@dataclass(frozen=True)
class Report:
    """A written page: how large it is, and which rows have no player in it because it would be larger."""

    path: Path
    n_bytes: int
    n_players: int
    left_out: list[str]
    mix_left_out: bool

    def as_json(self) -> dict[str, object]:
        return {**self.__dict__, "path": str(self.path)}


def write_report(scene: Scene, output: Path | None = None, *, max_mb: float = MAX_MB) -> Report:
    """Writes the page, by default into the scene's export folder; it appears only when it is whole.

    Raises ExportFailed for a scene that was never rendered, was edited since, or lacks a clip, and for an output that
    cannot be; SceneInvalid for a folder that is no scene.
    """
    if output is not None and output.suffix.lower() not in (".html", ".htm"):
        raise ExportFailed(f"{output}: a report is a page; give its name an end like .html")
    if output is not None and output.is_dir():
        raise ExportFailed(f"{output}: is a folder; name a file")
    read_rendered(scene)  # before the lock: a folder that is no scene stays as it is
    with scene.locked():
        rendered = read_rendered(scene)
        path = output or scene.export_dir / f"{rendered.name}.report.html"
        return _write(rendered, path, max_mb)


def _write(rendered: Rendered, path: Path, max_mb: float) -> Report:
    loudness = measure(rendered.scene.mix_path)
    stems = {bus: measure(rendered.scene.stems_dir / f"{bus}.wav") for bus in BUSES}
    picture = PictureSounds(rendered)
    pages = [draw_timeline(rendered, picture, loudness, replace(form, titled=False)) for form in (WIDE, NARROW)]
    sounds = embed(rendered, max_mb)
    away = loudness.integrated_lufs - rendered.receipt.mix.loudness_lufs
    values = {
        "title": rendered.title,
        "figures": _figures(rendered, loudness),
        "pictures": [_markup(svg_element(page)) for page in pages],
        "sections": _sections(rendered, sounds),
        "mix": sounds.mix,
        "notes": _notes(rendered, sounds, max_mb),
        "loudness": [_told(name, each) for name, each in {"mix": loudness, **stems}.items()],
        "target": rendered.receipt.mix,
        "away": abs(away) if isfinite(away) else None,
        "loud": away > 0.0,
        "credits": _credits(rendered),
        "failed": _failed(rendered),
        "style": _markup(_resource("report_style.css.j2") + dark_rules()),
        "script": _markup(_resource("report_script.js.j2")),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportFailed(f"{path.parent}: cannot be made a folder: {error.strerror}") from error
    n_bytes = 0
    with whole_file(path) as file:
        for part in _page(values):
            n_bytes += file.write(part.encode("utf-8"))
    n_players = bool(sounds.mix.data) + sum(bool(player.data) for player in sounds.rows.values())
    return Report(path, n_bytes, n_players, sounds.left_out, not sounds.mix.data)


def _page(values: Mapping[str, object]) -> Iterator[str]:
    """The template filled in, piece by piece. Values are data: escaped, and never read as templates."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_printable
    )
    template = environment.from_string(_resource("report.html.j2"))
    hashes = {f"{name}_hash": _hash(str(values[name])) for name in ("style", "script")}
    yield from template.generate(**values, **hashes)


def _printable(value: Any) -> Any:
    """Text without letters that a page cannot hold or that turn others around; our own markup as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return "".join(letter if letter.isprintable() else " " for letter in value)
    return value


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


def _resource(name: str) -> str:
    return (resources.files("scripts_templates") / name).read_text("utf-8")


def _hash(text: str) -> str:
    """As a content security policy names what may run (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _figures(rendered: Rendered, loudness: Loudness) -> list[str]:
    found = [short_clock(rendered.n_samples, rendered.sample_rate), f"{len(rendered.rows)} clips"]
    speakers = {row.speaker for row in rendered.rows if row.receipt.type == "speech"}
    if speakers:
        found.append(f"{len(speakers)} {'voice' if len(speakers) == 1 else 'voices'}")
    return [*found, _level(loudness.integrated_lufs, "LUFS"), _level(loudness.true_peak_dbtp, "dBTP")]


def _level(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:.1f} {unit}" if isfinite(value) else "silent"


def _told(name: str, loudness: Loudness) -> dict[str, str]:
    return {
        "name": name,
        "integrated": _level(loudness.integrated_lufs, "LUFS"),
        "short": _level(loudness.short_term_max_lufs, "LUFS"),
        "peak": _level(loudness.true_peak_dbtp, "dBTP"),
        "range": _level(loudness.range_lu, "LU"),
    }


def _sections(rendered: Rendered, sounds: Sounds) -> list[dict[str, object]]:
    """The rows in the table's order, in runs of one section."""
    found: list[dict[str, Any]] = []
    for row in rendered.rows:
        if not found or found[-1]["name"] != row.section:
            found.append({"name": row.section, "rows": []})
        found[-1]["rows"].append(_row(row, sounds.rows[row.row], rendered.sample_rate))
    return found


def _row(row: RenderedRow, player: Player, sample_rate: int) -> dict[str, object]:
    receipt = row.receipt
    return {
        "key": row.row,
        "who": row.speaker if receipt.type == "speech" else receipt.type.replace("_", " "),
        "words": receipt.words or row.row,
        "is_speech": receipt.type == "speech",
        "is_bed": receipt.layout == "background",
        "begin": short_clock(row.start_sample, sample_rate),
        "length": f"{row.n_samples / sample_rate:.1f} s",
        "level": _level(receipt.loudness_lufs, "LUFS"),
        "made_by": f"{receipt.engine}, {receipt.voice}" if receipt.voice else receipt.engine,
        "label": row.label,
        "player": player,
    }


def _notes(rendered: Rendered, sounds: Sounds, max_mb: float) -> list[str]:
    """What of the sound is not in the page, and why."""
    if not sounds.left_out:
        return []
    n_left, n_rows = len(sounds.left_out), len(rendered.rows)
    held = sum(player.n_bytes for player in (sounds.mix, *sounds.rows.values())) / MB
    return [
        f"{n_left} of {n_rows} rows, from {sounds.left_out[0]} on, have no player here: the page holds {held:.1f} MB "
        f"of sound and would pass {max_mb:g} MB. They are in the scene's clips folder; --max-mb makes room."
    ]


def _credits(rendered: Rendered) -> list[dict[str, str]]:
    return [
        {
            "what": what,
            "made_by": made_by,
            "licence": licence or UNKNOWN,
            "source": source or "–",
            "rows": ", ".join(rows),
        }
        for (what, made_by, licence, source), rows in grouped(rendered).items()
    ]


def _failed(rendered: Rendered) -> list[dict[str, str]]:
    """Rows that should sound and are not in the mix, with what stands in the table and why."""
    script, _ = read_table(rendered.scene.script_path)
    words = {row.row: row.description for row in script.sounding()} if script is not None else {}
    told = [(fault.row, fault.column, fault.message) for fault in rendered.receipt.failed]
    named = {row for row, _, _ in told}
    told += [(row, "", "was not made at the last render") for row in rendered.receipt.left_out if row not in named]
    return [
        {"row": row, "column": column, "message": message, "words": " ".join((words.get(row) or "").split())}
        for row, column, message in told
    ]
