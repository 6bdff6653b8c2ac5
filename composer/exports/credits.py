"""Credits: what made every row, under which licence, and where it comes from; for people (Markdown) and for machines.

Everything stands in the manifest; where that tells no licence, the credits say so rather than leave it out.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from composer.exports.rendered import Rendered, RenderedRow
from composer.files import write_atomically

UNKNOWN = "unknown: ask whoever made it before you publish"
COLUMNS = ("row", "type", "character", "description", "engine", "voice", "licence", "source", "clip")


def export_credits(rendered: Rendered, path: Path) -> None:
    """Writes the credits as Markdown: one line for all that shares engine, voice, licence and source."""
    lines = [f"# Credits of {_cell(rendered.title)}", "", "| what | made by | licence | source | rows |"]
    lines.append("|---|---|---|---|---|")
    for (what, made_by, licence, source), rows in grouped(rendered).items():
        cells = (what, made_by, licence or UNKNOWN, source or "–", ", ".join(rows))
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    unknown = [row.row for row in rendered.rows if not row.receipt.licence]
    if unknown:
        lines += ["", f"No licence is told for: {', '.join(unknown)}."]
    lines += ["", "Made with Talescape.", ""]
    write_atomically(path, "\n".join(lines))


def export_csv_credits(rendered: Rendered, path: Path) -> None:
    """Writes a line for each row: UTF-8, commas, a heading line."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_told(row) for row in rendered.rows)
    write_atomically(path, out.getvalue())


def export_json_credits(rendered: Rendered, path: Path) -> None:
    """Writes an object with the title and a list of assets; null where nothing is known."""
    told = {"title": rendered.title, "assets": [_told(row) for row in rendered.rows]}
    write_atomically(path, json.dumps(told, ensure_ascii=False, indent=1) + "\n")


def _told(row: RenderedRow) -> dict[str, str | None]:
    values = row.receipt.model_dump(include=set(COLUMNS))
    return {column: values[column] for column in COLUMNS}


def grouped(rendered: Rendered) -> dict[tuple[str, str, str | None, str | None], list[str]]:
    """What was made, by what, licence, source -> keys of the rows for which that holds."""
    groups: dict[tuple[str, str, str | None, str | None], list[str]] = {}
    for row in rendered.rows:
        receipt = row.receipt
        what = f"the voice of {row.speaker}" if receipt.type == "speech" else receipt.type.replace("_", " ")
        made_by = f"{receipt.engine}, voice {receipt.voice}" if receipt.voice else receipt.engine
        groups.setdefault((what, made_by, receipt.licence, receipt.source), []).append(row.row)
    return groups


def _cell(text: str) -> str:
    line = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return line.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").replace("`", "\\`")
