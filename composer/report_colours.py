"""The picture's colours on a dark page: each light one and what stands for it there."""

from __future__ import annotations

from composer.exports.picture import BANDS, PAPER
from composer.exports.picture_lanes import OTHERS
from composer.exports.picture_meter import FAINT, GRID, INK, LANE, METERED, TARGET
from composer.exports.tracks import AMBIENCE, EFFECTS, MUSIC, VOICES

DARK = {
    PAPER: "#14181f",
    LANE: "#1f2630",
    GRID: "#384252",
    INK: "#eef1f6",
    FAINT: "#a9b4c4",
    METERED: "#7fb2e5",
    TARGET: "#ff8080",
    BANDS[0]: "#26405a",
    BANDS[1]: "#4d4023",
    OTHERS: "#a0a9b6",
    **dict(zip(VOICES, ("#4aa8e0", "#f08a3c", "#2fc49a", "#d07ac2", "#8accf2", "#d9a93a"), strict=True)),
    EFFECTS: "#f0b840",
    AMBIENCE: "#7fb0d0",
    MUSIC: "#b08ae0",
}


def dark_rules() -> str:
    """CSS for screens that ask for dark pages; print stays light."""
    rules = "".join(
        f'svg [fill="{light}"]{{fill:{dark}}}svg [stroke="{light}"]{{stroke:{dark}}}' for light, dark in DARK.items()
    )
    return f"@media screen and (prefers-color-scheme:dark){{{rules}}}"
