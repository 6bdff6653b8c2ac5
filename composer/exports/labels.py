"""Audacity labels: a line for each row, its begin, its end and its words, parted by tabs.

Placement: seconds with six decimals, as Audacity writes them itself; the nearest sample of both ends is the manifest's:
0 samples of error up to 384 kHz.
"""

from __future__ import annotations

from pathlib import Path

from composer.exports.rendered import Rendered
from composer.files import write_atomically


def export_labels(rendered: Rendered, path: Path) -> None:
    """Writes the label track, rows by their begin."""
    rate = rendered.sample_rate
    lines = [
        f"{row.start_sample / rate:.6f}\t{row.end_sample / rate:.6f}\t{row.label}\n"
        for row in sorted(rendered.rows, key=lambda row: row.start_sample)
    ]
    write_atomically(path, "".join(lines))
