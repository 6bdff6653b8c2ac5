"""Settings: what scene.toml says of the whole scene. Every default of the program stands here, once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

CleanMode = Literal["auto", "always", "never"]
Room = Literal["none", "studio", "room", "hall", "cave", "outdoors"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MixSettings(_Settings):
    """Everything between clips and the finished file. Changing it never synthesizes a clip again."""

    loudness_lufs: Annotated[float, Field(ge=-40, le=-5, allow_inf_nan=False)] = -16.0
    true_peak_dbtp: Annotated[float, Field(ge=-20, le=0, allow_inf_nan=False)] = -1.0
    room: Room = "studio"
    gap_s: Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)] = 0.35
    """Silence between one foreground row and the next where the table does not say."""
    section_pause_s: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 1.5
    """Silence before the first foreground row of each section but the first, where neither of them says."""
    duck_db: Annotated[float, Field(ge=0, le=40, allow_inf_nan=False)] = 6.0
    """How far beds go down while somebody speaks."""
    fade_s: Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)] = 1.0
    """Fades of backgrounds at their begin and end."""
    crossfade_s: Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)] = 1.0
    """Overlap where a looped background meets itself."""


class SectionSettings(_Settings):
    """What one section has otherwise than the scene."""

    room: Room | None = None
    pause_s: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] | None = None
    """Silence before its first foreground row where the table does not say."""


class EngineSettings(_Settings):
    """Which engine serves each type of row: a name, or auto."""

    speech: str = "auto"
    music: str = "auto"
    sound_effect: str = "auto"


class Settings(_Settings):
    """The whole of scene.toml."""

    title: str = "Untitled"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    clean: CleanMode = "auto"
    """Whether sourced recordings are separated by their row's description: auto (where it helps), always, never."""
    mix: MixSettings = MixSettings()
    engines: EngineSettings = EngineSettings()
    sections: dict[str, SectionSettings] = {}
    """Section -> its room and the pause before it."""
    cast: dict[str, str] = {}
    """Character -> voice. Names that are not here are cast and then written here."""
    about: dict[str, str] = {}
    """Character -> what is known of them, for casting: "old sea captain, gruff"."""
