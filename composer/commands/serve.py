"""The command that offers scenes to other programs over HTTP: serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

RootArgument = Annotated[Path, typer.Argument(help="The folder whose scene folders are served; made if missing.")]
HostOption = Annotated[str, typer.Option("--host", help="Another address than the loopback demands a token.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
TokenOption = Annotated[
    str | None,
    typer.Option("--token", envvar="TALESCAPE_TOKEN", show_envvar=True, help="Clients must send it as Bearer."),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, max=64, help="Scenes rendered at a time; one by default.")
]
WaitingOption = Annotated[
    int | None, typer.Option("--waiting", min=0, max=1000, help="Jobs that may wait for their turn.")
]
BodyOption = Annotated[
    float | None, typer.Option("--max-body-mb", min=0.01, max=64, help="The largest request, in MB.")
]
RowsOption = Annotated[int | None, typer.Option("--max-rows", min=1, max=20_000, help="The longest table.")]
MinutesOption = Annotated[
    float | None, typer.Option("--max-minutes", min=0.01, help="The most sound of a scene's rows.")
]
ModelOption = Annotated[str | None, typer.Option("--model", help="Language model at OPENAI_BASE_URL.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Plan without a language model, even if one is set up.")]


def serve(
    root: RootArgument,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8765,
    token: TokenOption = None,
    jobs: JobsOption = None,
    waiting: WaitingOption = None,
    max_body_mb: BodyOption = None,
    max_rows: RowsOption = None,
    max_minutes: MinutesOption = None,
    model: ModelOption = None,
    offline: OfflineOption = False,
) -> None:
    """Serve a folder of scenes over HTTP: plan, edit, check, render, download. Needs the extra "serve"."""
    from composer.errors import ComposerError
    from composer.writers.openai import openai_writer_from_environment

    if model and offline:
        raise typer.BadParameter("--model and --offline exclude each other")
    try:
        from composer.serving.limits import Limits
        from composer.serving.server import serve as serve_folder
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("fastapi", "uvicorn", "starlette", "h11"):
            raise
        raise ComposerError("talescape serve needs more packages; pip install 'talescape[serve]'") from error
    body, sound_s = max_body_mb and round(max_body_mb * 2**20), max_minutes and 60.0 * max_minutes
    given: dict[str, Any] = {
        "max_body_bytes": body,
        "max_rows": max_rows,
        "max_sound_s": sound_s,
        "n_jobs": jobs,
        "n_waiting": waiting,
    }
    limits = Limits(**{name: value for name, value in given.items() if value is not None})
    writer = None if offline else openai_writer_from_environment(model)
    serve_folder(root, host=host, port=port, token=token, limits=limits, writer=writer, announce=_announce)


def _announce(address: str) -> None:
    print(address, flush=True)
