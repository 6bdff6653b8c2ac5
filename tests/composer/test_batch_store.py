"""The clip store: a clip is made once, is there whole or not at all, and is the same clip everywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from toys import tone

from composer.batches.remote_store import remote_store
from composer.batches.store import ClipStore
from composer.clips import clip_path, find_clip, keep_clip, receipt_path
from composer.errors import ComposerError
from composer.orders import Order

FIRST, SECOND = "ab" * 16, "cd" * 16


def order(row: str, fingerprint: str) -> Order:
    return Order(row=row, kind="speech", engine="toy", engine_version="1", text="x", seed=0, fingerprint=fingerprint)


def keep(clips_dir: Path, fingerprint: str) -> None:
    clips_dir.mkdir(exist_ok=True)
    clip = tone(0.3, 440.0, 48_000)
    keep_clip(clips_dir, fingerprint, clip, engine="toy", engine_version="1", text="x", seconds_spent=1.0)


@pytest.mark.parametrize("linked", [True, False])
def test_a_clip_goes_from_scene_to_scene_unchanged(
    linked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linked:
        monkeypatch.setattr(os, "link", lambda *paths: (_ for _ in ()).throw(OSError(18, "Invalid cross-device link")))
    one, two, store = tmp_path / "one", tmp_path / "two", ClipStore(tmp_path / "store")
    keep(one, FIRST)
    two.mkdir()
    assert store.fetch(two, FIRST) is None
    store.publish(one, FIRST)
    assert store.fetch(two, FIRST) == find_clip(one, FIRST) == find_clip(two, FIRST)
    assert clip_path(two, FIRST).read_bytes() == clip_path(one, FIRST).read_bytes()
    assert clip_path(two, FIRST).samefile(clip_path(one, FIRST)) == linked
    store.fetch(two, FIRST)
    store.publish(one, FIRST)
    assert not list(tmp_path.rglob("*.part"))


def test_a_clip_that_is_made_elsewhere_comes_last_and_is_fetched(tmp_path: Path) -> None:
    store, one, two = ClipStore(tmp_path / "store"), tmp_path / "one", tmp_path / "two"
    two.mkdir()
    ours = store.turns(one, [order("r01", FIRST)])
    assert next(ours) == [(order("r01", FIRST), None)]  # we make it now
    steps: list[tuple[str, str]] = []
    theirs = store.turns(two, [order("r01", FIRST), order("r02", SECOND)], lambda what, row: steps.append((what, row)))
    assert next(theirs) == [(order("r02", SECOND), None)]
    keep(one, FIRST)
    assert next(ours, None) is None  # published
    keep(two, SECOND)
    ((late, receipt),) = next(theirs)
    assert late.row == "r01" and receipt == find_clip(two, FIRST)
    assert next(theirs, None) is None and steps == [("making", "r02"), ("fetched", "r01")]


def test_a_claim_ends_with_a_clip_that_failed(tmp_path: Path) -> None:
    store = ClipStore(tmp_path / "store")
    for _ in range(2):
        assert list(store.turns(tmp_path, [order("r01", FIRST)])) == [[(order("r01", FIRST), None)]]
    half = store.turns(tmp_path, [order("r01", FIRST)])
    next(half)
    half.close()
    assert list(store.turns(tmp_path, [order("r01", FIRST)])) == [[(order("r01", FIRST), None)]]
    assert not list(tmp_path.rglob("*.claim"))


def test_a_kill_at_any_step_of_sharing_leaves_a_clip_whole_or_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    one = tmp_path / "one"
    keep(one, FIRST)
    whole = 0
    for deadly in range(20):
        store, left = ClipStore(tmp_path / f"store-{deadly}"), deadly

        def step(change: object) -> object:
            def changed(*arguments: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Killed
                return change(*arguments, **options)  # type: ignore[operator]

            return changed

        with monkeypatch.context() as patched:
            for name in ("link", "replace"):
                patched.setattr(os, name, step(getattr(os, name)))
            try:
                store.publish(one, FIRST)
            except Killed:
                assert store.find(FIRST) is None
                store.sweep()
                assert not list(store.folder.rglob("*.part"))
            else:
                whole += 1
        store.publish(one, FIRST)
        assert store.find(FIRST) == find_clip(one, FIRST)
    assert whole == 16  # two links and two renames


def test_clips_that_a_killed_worker_made_are_published_later(tmp_path: Path) -> None:
    store, one = ClipStore(tmp_path / "store"), tmp_path / "one"
    keep(one, FIRST)
    keep(one, SECOND)
    receipt_path(one, SECOND).unlink()  # killed before its receipt was written
    store.publish_all(one)
    assert store.find(FIRST) is not None and store.find(SECOND) is None
    assert store.seconds_by_engine() == {"toy": (1.0, pytest.approx(0.3))}


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_machines_share_clips_through_storage_behind_their_stores(scheme: str, tmp_path: Path) -> None:
    """Two batches with stores of their own: what the first made, the second finds."""
    url = f"memory://{tmp_path.name}" if scheme == "memory" else f"file://{tmp_path}/shared"
    one, two = tmp_path / "one", tmp_path / "two"
    keep(one, FIRST)
    two.mkdir()
    first, second = (ClipStore(tmp_path / f"store-{name}", url) for name in ("one", "two"))
    assert not second.has(FIRST) and second.fetch(two, FIRST) is None
    first.publish(one, FIRST)
    assert second.has(FIRST) and second.find(FIRST) is None
    assert second.fetch(two, FIRST) == find_clip(one, FIRST) == second.find(FIRST)
    assert clip_path(two, FIRST).read_bytes() == clip_path(one, FIRST).read_bytes()
    assert [receipt for turn in second.turns(two, [order("r01", FIRST)]) for _, receipt in turn] == [
        find_clip(one, FIRST)
    ]
    assert not list(tmp_path.rglob("*.part"))


def test_a_clip_that_was_sent_by_half_is_not_there_and_is_sent_again(tmp_path: Path) -> None:
    url, shared = f"file://{tmp_path}/shared", tmp_path / "shared" / FIRST[:2]
    one, two = tmp_path / "one", tmp_path / "two"
    keep(one, FIRST)
    two.mkdir()
    shared.mkdir(parents=True)
    whole = clip_path(one, FIRST).read_bytes()
    clip_path(shared, FIRST).write_bytes(whole[:100])  # killed before its receipt was sent
    first, second = (ClipStore(tmp_path / f"store-{name}", url) for name in ("one", "two"))
    assert second.fetch(two, FIRST) is None
    first.publish(one, FIRST)
    assert clip_path(shared, FIRST).read_bytes() == whole
    clip_path(shared, FIRST).write_bytes(whole[:100])  # damaged there
    assert second.fetch(two, FIRST) is None and find_clip(two, FIRST) is None


def test_storage_that_cannot_be_used_is_told_with_its_address(tmp_path: Path) -> None:
    with pytest.raises(ComposerError, match="--store nowhere://x: cannot be used: Protocol not known"):
        remote_store("nowhere://x")
    (tmp_path / "a-file").write_text("")
    store = ClipStore(tmp_path / "store", f"file://{tmp_path}/a-file")
    keep(tmp_path / "one", FIRST)
    with pytest.raises(ComposerError, match="a-file: NotADirectoryError|a-file: FileExistsError"):
        store.publish(tmp_path / "one", FIRST)
