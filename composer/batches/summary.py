"""What came of a batch: a table, JSON for machines, and a page with players."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from urllib.parse import quote

from composer.batches.folder import BatchFolder, Line
from composer.files import write_atomically

HEADINGS = ("scene", "state", "sound", "work", "clips", "shared", "tries", "USD")


@dataclass
class Summary:
    """The scenes that ended, in the manifest's order; `lines` are the log's last words on them."""

    folder: str
    scenes: int
    seconds: float = 0.0
    lines: list[Line] = field(default_factory=list)
    made_before: int = 0
    stopped: bool = False
    disk_full: str | None = None

    @property
    def failed(self) -> list[Line]:
        return [line for line in self.lines if line["state"] not in ("done", "stopped")]

    def total(self, key: str) -> float:
        return sum(float(str(line.get(key) or 0)) for line in self.lines)

    def as_json(self) -> dict[str, object]:
        return {
            "folder": self.folder,
            "scenes": self.scenes,
            "done": sum(line["state"] == "done" for line in self.lines),
            "made_before": self.made_before,
            "failed": [{"scene": line["scene"], "faults": line["faults"]} for line in self.failed],
            "seconds": round(self.seconds, 1),
            "sound_s": round(self.total("duration_s"), 1),
            "synthesized": round(self.total("synthesized")),
            "shared": round(self.total("shared")),
            "usd": round(self.total("usd"), 4),
            "results": self.lines,
        }

    def as_table(self) -> str:
        rows = [HEADINGS, *(_cells(line) for line in self.lines)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )


def _cells(line: Line) -> tuple[str, ...]:
    return (
        str(line["scene"]),
        str(line["state"]),
        f"{float(str(line.get('duration_s') or 0)):.1f} s",
        f"{float(str(line.get('seconds') or 0)):.1f} s",
        str(line.get("synthesized", 0)),
        str(line.get("shared", 0)),
        str(line.get("attempt", 1)),
        f"{float(str(line.get('usd') or 0)):.2f}",
    )


def write_page(batch: BatchFolder, summary: Summary) -> None:
    """Writes summary.html: a player a scene, with links that start at the batch's folder."""
    import jinja2

    template = (resources.files("scripts_templates") / "batch_summary.html.j2").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    page = environment.from_string(template).render(
        summary=summary.as_json(), headings=HEADINGS, rows=[_row(batch, line) for line in summary.lines]
    )
    write_atomically(batch.summary_path, page.encode("utf-8", "replace"))


def _row(batch: BatchFolder, line: Line) -> dict[str, object]:
    name = str(line["scene"])
    scene = batch.scene(name)
    faults = line.get("faults")
    return {
        "cells": _cells(line),
        "folder": f"{quote(name)}/",
        "mix": f"{quote(name)}/{scene.mix_path.name}" if scene.mix_path.is_file() else None,
        "faults": faults if isinstance(faults, Sequence) and not isinstance(faults, str) else [],
    }
