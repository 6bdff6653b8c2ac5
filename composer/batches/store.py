"""ClipStore: clips of all scenes of a batch, by fingerprint, so that equal rows are made once.

A clip is linked from a scene into the store and from the store into scenes (copied where a file system cannot link),
always to a temporary name first. Who makes a clip holds its claim, a lock that the system frees when a process dies.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from composer.batches.remote_store import remote_store
from composer.clips import ClipReceipt, clip_path, find_clip, receipt_path, seconds_by_engine
from composer.files import UNFINISHED, sweep, take_lock
from composer.orders import Order
from composer.render import Turn

POLL_S = 0.05
N_SHELVES_READ = 32
"""So many shelves tell how fast engines are; all would be slow to read in a large store."""

Tell = Callable[[str, str], None]
"""What is done, and with which row."""


@dataclass(frozen=True)
class ClipStore:
    folder: Path
    url: str | None = None
    """Storage behind the folder that other machines share; see remote_store.py."""

    def shelf(self, fingerprint: str) -> Path:
        """Clips lie in 256 folders: file systems are slow with millions of files in one."""
        return self.folder / fingerprint[:2]

    def find(self, fingerprint: str) -> ClipReceipt | None:
        return find_clip(self.shelf(fingerprint), fingerprint)

    def has(self, fingerprint: str) -> bool:
        """Whether the folder or the shared storage has a clip; brings nothing."""
        return self.find(fingerprint) is not None or (self.url is not None and remote_store(self.url).has(fingerprint))

    def there(self, fingerprint: str) -> bool:
        """Whether the store has a clip, after bringing it from the shared storage. Raises OSError, ComposerError."""
        if self.find(fingerprint) is not None:
            return True
        return self.url is not None and remote_store(self.url).fetch(self.shelf(fingerprint), fingerprint)

    def fetch(self, clips_dir: Path, fingerprint: str) -> ClipReceipt | None:
        """Brings a clip from the store into a scene; None when the store does not have it. Raises OSError."""
        if not self.there(fingerprint):
            return None
        _share(self.shelf(fingerprint), clips_dir, fingerprint)
        return find_clip(clips_dir, fingerprint)

    def publish(self, clips_dir: Path, fingerprint: str) -> None:
        """Brings a scene's clip into the store, if it is whole and new there. Raises OSError."""
        if self.find(fingerprint) is None and find_clip(clips_dir, fingerprint) is not None:
            self.shelf(fingerprint).mkdir(parents=True, exist_ok=True)
            _share(clips_dir, self.shelf(fingerprint), fingerprint)
        self.send(fingerprint)

    def send(self, fingerprint: str) -> None:
        """Brings a clip of the folder into the shared storage, if there is one and it is new there."""
        if self.url is not None:
            remote_store(self.url).publish(self.shelf(fingerprint), fingerprint)

    def publish_all(self, clips_dir: Path) -> None:
        """Brings in what a killed worker made and did not publish."""
        for path in sorted(clips_dir.glob("*.wav")) if clips_dir.is_dir() else ():
            self.publish(clips_dir, path.stem)

    def claimed(self, fingerprint: str, stack: ExitStack) -> bool:
        """Takes the right to make a clip, until the stack closes; False where another process has it."""
        return stack.enter_context(_Claim(self.shelf(fingerprint) / fingerprint)).held

    def turns(
        self, clips_dir: Path, orders: Sequence[Order], tell: Tell = lambda what, row: None
    ) -> Iterator[list[Turn]]:
        """Each order, when it is this scene's turn: with its receipt where the clip was fetched, else to be made.
        (What an engine makes together was made before; see composer.batches.ahead.)

        The claim is held until the caller asks for the next, and the clip is published then. What another process
        makes meanwhile comes last.
        """
        waiting = list(orders)
        while waiting:
            busy = []
            for order in waiting:
                with ExitStack() as stack:
                    if not self.claimed(order.fingerprint, stack):
                        busy.append(order)
                        continue
                    receipt = self.fetch(clips_dir, order.fingerprint)
                    tell("fetched" if receipt else "making", order.row)
                    yield [(order, receipt)]
                    self.publish(clips_dir, order.fingerprint)
            if len(busy) == len(waiting):
                tell("waiting", busy[0].row)
                time.sleep(POLL_S)
            waiting = busy

    def seconds_by_engine(self) -> dict[str, tuple[float, float]]:
        """What the engines took here: engine -> (seconds of work, seconds of sound)."""
        totals: dict[str, tuple[float, float]] = {}
        shelves = sorted(self.folder.glob("??"))[:N_SHELVES_READ] if self.folder.is_dir() else []
        for shelf in shelves:
            for engine, (work_s, sound_s) in seconds_by_engine(shelf).items():
                before = totals.get(engine, (0.0, 0.0))
                totals[engine] = before[0] + work_s, before[1] + sound_s
        return totals

    def sweep(self) -> None:
        """Removes what killed processes left; only while no worker runs."""
        for shelf in self.folder.glob("??") if self.folder.is_dir() else ():
            sweep(shelf)
            for claim in shelf.glob("*.claim"):
                claim.unlink(missing_ok=True)


class _Claim:
    """The right to make one clip; `held` says whether it was free."""

    def __init__(self, place: Path) -> None:
        self._path = place.with_name(place.name + ".claim")

    def __enter__(self) -> _Claim:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("w")
        self.held = take_lock(self._file.fileno()) and self._is_there_still()
        return self

    def _is_there_still(self) -> bool:
        """False when its holder removed the file between our opening it and our lock: another may make it anew."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), os.stat(self._path))
        except FileNotFoundError:
            return False

    def __exit__(self, *error: object) -> None:
        if self.held:
            with suppress(OSError):
                self._path.unlink()
        self._file.close()


def _share(origin: Path, target: Path, fingerprint: str) -> None:
    """Links or copies a clip; its receipt comes last, so that a kill leaves a clip that is whole or not there."""
    for path_in in (clip_path, receipt_path):
        final = path_in(target, fingerprint)
        unfinished = final.with_name(f"{final.name}.{os.getpid()}{UNFINISHED}")
        unfinished.unlink(missing_ok=True)
        try:
            os.link(path_in(origin, fingerprint), unfinished)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            _copy(path_in(origin, fingerprint), unfinished)
        os.replace(unfinished, final)
        unfinished.unlink(missing_ok=True)  # renaming a link onto its own file leaves both names


def _copy(origin: Path, target: Path) -> None:
    with origin.open("rb") as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())
