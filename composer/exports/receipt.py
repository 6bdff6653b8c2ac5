"""The receipt of a finished mix, as exports read it: checked once here, trusted after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from composer.clips import ClipReceipt, find_clip
from composer.errors import ExportFailed
from composer.scene import Scene
from composer.settings import MixSettings


class _Read(BaseModel):
    """What is not named here is for other readers."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class RowReceipt(_Read):
    """One row as it sounds in the mix; positions in samples of the mix."""

    row: str
    type: Literal["speech", "music", "sound_effect"]
    layout: Literal["foreground", "background"]
    character: str | None = None
    description: str | None = None
    engine: str
    voice: str | None = None
    clip: str
    start_sample: Annotated[int, Field(ge=0)]
    n_samples: Annotated[int, Field(ge=1)]
    gain_db: float | None = None
    pan: float = 0.0
    loudness_lufs: float | None = None
    licence: str | None = None
    source: str | None = None
    section: str | None = None

    @property
    def end_sample(self) -> int:
        return self.start_sample + self.n_samples

    @property
    def words(self) -> str:
        return " ".join((self.description or "").split())


class FailedRow(_Read):
    """A row that could not be made, and why."""

    row: str
    column: str = ""
    message: str


def _mix_settings(value: object) -> object:
    """The settings among what the manifest tells of the mix."""
    if not isinstance(value, Mapping):
        return value
    return {name: setting for name, setting in value.items() if name in MixSettings.model_fields}


class SceneReceipt(_Read):
    """The whole of manifest.json, as far as exports need it."""

    format: Literal["talescape-scene/1"]
    title: str = ""
    sample_rate: Literal[48_000]
    duration_s: Annotated[float, Field(ge=0.0)]
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    rows: tuple[RowReceipt, ...]
    mix: Annotated[MixSettings, BeforeValidator(_mix_settings)]
    failed: tuple[FailedRow, ...] = ()
    left_out: tuple[str, ...] = ()
    """Keys of rows that should sound and are not in the mix; `failed` says why, as far as they were tried."""

    @property
    def n_samples(self) -> int:
        return round(self.duration_s * self.sample_rate)


def read_receipt(scene: Scene) -> SceneReceipt:
    """The manifest of a scene whose mix is there. Raises SceneInvalid, ExportFailed with the way out."""
    scene.must_exist()
    again = f"make it with: talescape render {scene.folder}"
    if not (scene.settings_path.is_file() or scene.script_path.is_file() or scene.manifest_path.is_file()):
        raise ExportFailed(
            f"{scene.folder}: is no scene folder: it has no scene.toml, script.csv and manifest.json; name a folder "
            "that talescape plan or compose made"
        )
    if not scene.mix_path.is_file() or not scene.manifest_path.is_file():
        raise ExportFailed(f"{scene.folder}: has no finished mix; {again}")
    try:
        return SceneReceipt.model_validate_json(scene.manifest_path.read_bytes())
    except OSError as error:
        raise ExportFailed(f"{scene.manifest_path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise ExportFailed(
            f"{scene.manifest_path}: is not the receipt of a mix: {place}: {first['msg'].lower()}; {again}"
        ) from error


def clip_of(scene: Scene, row: RowReceipt) -> ClipReceipt:
    """What is known of a row's clip. Raises ExportFailed when it is not in the scene, or not whole."""
    found = find_clip(scene.clips_dir, PurePosixPath(row.clip).stem)
    if found is None:
        raise ExportFailed(
            f"row {row.row}: its clip {row.clip} is missing or broken; make it anew with: "
            f"talescape render {scene.folder}"
        )
    return found
