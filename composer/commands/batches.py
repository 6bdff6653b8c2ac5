"""The command that makes many scenes: batch."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.commands.printing import JsonOption, print_json

if TYPE_CHECKING:
    from composer.batches.runner import Event
    from composer.batches.summary import Summary

ManifestArgument = Annotated[Path, typer.Argument(help="Scenes as csv, jsonl or yaml: a name, and prompt, story, ...")]
FolderOption = Annotated[Path, typer.Option("--output", "-o", help="The folder of the scenes.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Plan and price, and make nothing.")]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="How many; as many as fit by default.")]
ExecutorOption = Annotated[str, typer.Option("--executor", help="local, or ray (talescape[ray]).")]
AddressOption = Annotated[str | None, typer.Option("--address", help="A Ray cluster that shares the folder.")]
StoreOption = Annotated[str | None, typer.Option("--store", help="Clips shared by machines: s3://..., file://...")]
RetriesOption = Annotated[int, typer.Option("--retries", min=0, help="How often a scene that failed is tried again.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Language model at OPENAI_BASE_URL.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Plan without a language model, even if one is set up.")]


def batch(
    manifest: ManifestArgument,
    output: FolderOption,
    dry_run: DryRunOption = False,
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    store: StoreOption = None,
    retries: RetriesOption = 2,
    model: ModelOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make every scene of a manifest; the same command goes on where a batch was cut off."""
    from composer.batches.executors import executor_named, n_fitting
    from composer.batches.folder import BatchFolder
    from composer.batches.manifest import read_manifest
    from composer.batches.pricing import price
    from composer.batches.remote_store import remote_store
    from composer.batches.runner import Options, run_batch
    from composer.render import row_limit_s
    from composer.writers.openai import openai_writer_from_environment

    specs, folder = read_manifest(manifest), BatchFolder(output)
    if store is not None:
        remote_store(store)
    writer = None if offline else openai_writer_from_environment(model)
    if dry_run:
        priced = price(folder, specs, n_workers=workers or n_fitting(), has_writer=writer is not None, store_url=store)
        print_json(priced.as_json()) if as_json else print(priced.as_text())
        return
    with redirect_stdout(sys.stderr):  # Ray tells of dead workers on stdout, which is for the result
        workplace = executor_named(executor, workers, address)
        events = run_batch(folder, specs, workplace, writer, Options(row_limit_s(), retries, store=store))
        summary = _follow(folder.folder, len(specs), events)
    _end(summary, folder.folder, as_json)


def _follow(folder: Path, n_scenes: int, events: Iterable[Event]) -> Summary:
    """Tells each event on stderr, in a line; gathers what the summary needs."""
    import time

    from composer.batches.runner import Retried, SceneEnded, Stopped
    from composer.batches.summary import Summary

    begun_s = time.monotonic()
    summary = Summary(str(folder), n_scenes)
    for event in events:
        match event:
            case SceneEnded(fresh=False):
                summary.made_before += 1
                summary.lines.append(event.line)
            case SceneEnded():
                summary.lines.append(event.line)
                told = f"{event.line['state']}, {event.line['seconds']} s"
                print(f"[{event.n_ended}/{event.n_scenes}] {event.line['scene']}: {told}", file=sys.stderr)
            case Retried():
                print(f"{event.name}: try {event.attempt} failed: {'; '.join(event.faults)}", file=sys.stderr)
            case Stopped():
                summary.stopped, summary.disk_full = True, event.disk_full
    summary.seconds = time.monotonic() - begun_s
    return summary


def _end(summary: Summary, folder: Path, as_json: bool) -> None:
    from composer.batches.folder import BatchFolder
    from composer.batches.summary import write_page
    from composer.errors import ComposerError

    if summary.disk_full is not None:
        raise ComposerError(f"the batch was stopped, and goes on with the same command: {summary.disk_full}")
    if summary.made_before:
        print(f"{summary.made_before} scenes were made before", file=sys.stderr)
    write_page(BatchFolder(folder), summary)
    print_json(summary.as_json()) if as_json else print(summary.as_table())
    for line in summary.failed:
        print(f"{line['state']}: {line['scene']}: {line['faults']}", file=sys.stderr)
    if summary.stopped:
        raise KeyboardInterrupt
    if summary.failed:
        raise typer.Exit(3)
