"""Buses: sums placements into blocks of stereo sound, reading clips piece by piece.

Conventions: a block is float32 (2, n_samples) from absolute sample `begin` to `end`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import cos, pi, sin, sqrt

import numpy as np
import soundfile

from composer.beds import Segment
from composer.errors import SceneInvalid
from composer.meters import LoudnessMeter, hops_lufs
from composer.timeline import Placement
from models.clip import Samples

READ_SAMPLES = 480_000


class Channel:
    """One placement while it is mixed: its file, its gains and, where its clip does not sound whole, its meter."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement
        self._gain = 10.0 ** (placement.gain_db / 20.0)
        self._offsets = [segment.offset for segment in placement.segments]
        self._longest = max(segment.n_samples for segment in placement.segments)
        self._matrix: Samples | None = None
        self._meter = None if _sounds_whole(placement) else LoudnessMeter(placement.clip.n_channels)

    def add_to(self, bus: Samples, begin: int) -> None:
        """Adds what of the placement lies in the block that begins at `begin`. SceneInvalid for a broken clip."""
        placement = self.placement
        first = max(begin, placement.start_sample)
        last = min(begin + bus.shape[1], placement.end_sample)
        if first >= last:
            return
        piece = self.read(first - placement.start_sample, last - placement.start_sample)
        if self._matrix is None:
            self._matrix = _pan_matrix(placement)
        into = bus[:, first - begin : last - begin]
        for side in range(2):
            for source in range(len(piece)):
                share = np.float32(self._gain * float(self._matrix[side, source]))
                if share != 0.0:
                    into[side] += piece[source] * share
        if self._meter is not None:
            measured = np.zeros((len(piece), bus.shape[1]), dtype=np.float32)
            measured[:, first - begin : last - begin] = piece
            self._meter.feed(measured)

    def loudness_lufs(self) -> float:
        """How loud the placed sound is, before ducking, room and master; known when all of it was added."""
        if self._meter is None:
            return self.placement.clip.loudness_lufs + self.placement.gain_db
        return hops_lufs(self._meter.energies(), self.placement.n_samples) + self.placement.gain_db

    def read(self, first: int, last: int) -> Samples:
        """What sounds between two samples of the placement, with joins and fades, before gain and pan."""
        placement = self.placement
        try:
            with soundfile.SoundFile(placement.clip.path) as file:
                segments = list(self._segments_in(first, last))
                if len(segments) == 1 and segments[0][1:] == (first, last) and not _fades(segments[0][0]):
                    piece = _read_at(
                        file, placement, segments[0][0].file_offset + first - segments[0][0].offset, last - first
                    )
                else:
                    piece = np.zeros((placement.clip.n_channels, last - first), dtype=np.float32)
                    for segment, begin, end in segments:
                        part = _read_at(file, placement, segment.file_offset + begin - segment.offset, end - begin)
                        _fade(
                            part,
                            begin - segment.offset,
                            segment.n_samples,
                            segment.fade_in_samples,
                            segment.fade_out_samples,
                        )
                        piece[:, begin - first : end - first] += part
        except (soundfile.SoundFileError, OSError) as error:
            raise SceneInvalid(
                f"row {placement.row}: its clip {placement.clip.path} cannot be read: {error}; "
                f"make it anew with: talescape render --only {placement.row} --fresh"
            ) from error
        _fade(piece, first, placement.n_samples, placement.fade_in_samples, placement.fade_out_samples)
        return piece

    def _segments_in(self, first: int, last: int) -> Iterator[tuple[Segment, int, int]]:
        """Segments that sound between two samples of the placement, with the part of each that does."""
        index = bisect_right(self._offsets, first - self._longest)
        for segment in self.placement.segments[index:]:
            if segment.offset >= last:
                return
            begin, end = max(first, segment.offset), min(last, segment.offset + segment.n_samples)
            if begin < end:
                yield segment, begin, end


def add_all(channels: Sequence[Channel], bus: Samples, begin: int) -> None:
    """Adds every channel's part of a block."""
    for channel in channels:
        channel.add_to(bus, begin)


def _sounds_whole(placement: Placement) -> bool:
    """Its clip plays once from begin to end: then its loudness is the clip's plus the gain, exactly."""
    unfaded = not (placement.fade_in_samples or placement.fade_out_samples)
    return unfaded and placement.segments == (Segment(0, 0, placement.clip.n_samples),)


def _fades(segment: Segment) -> bool:
    return bool(segment.fade_in_samples or segment.fade_out_samples)


def _read_at(file: soundfile.SoundFile, placement: Placement, offset: int, n_samples: int) -> Samples:
    file.seek(offset)
    frames = file.read(n_samples, dtype="float32", always_2d=True)
    if frames.shape != (n_samples, placement.clip.n_channels):
        raise SceneInvalid(
            f"row {placement.row}: its clip {placement.clip.path} holds {frames.shape[1]} channels and "
            f"{offset + len(frames)} samples where {placement.clip.n_channels} and {offset + n_samples} are needed; "
            f"make it anew with: talescape render --only {placement.row} --fresh"
        )
    with np.errstate(all="ignore"):
        suspect = not np.isfinite(frames.sum())
    if suspect and not np.isfinite(frames).all():
        raise SceneInvalid(
            f"row {placement.row}: its clip {placement.clip.path} holds samples that are not finite numbers; "
            f"make it anew with: talescape render --only {placement.row} --fresh"
        )
    return np.ascontiguousarray(frames.T) if frames.shape[1] > 1 else frames.reshape(1, -1)


def _fade(part: Samples, offset: int, n_samples: int, fade_in: int, fade_out: int) -> None:
    """Fades a part in place: sine in, cosine out (equal power), where the part begins at `offset` of the whole."""
    length = part.shape[1]
    if fade_in > offset:
        n = min(length, fade_in - offset)
        part[:, :n] *= np.sin((np.arange(offset, offset + n) + 0.5) * (pi / 2 / fade_in)).astype(np.float32)
    begins = n_samples - fade_out
    if fade_out and offset + length > begins:
        skip = max(0, begins - offset)
        into = offset + skip - begins
        n = length - skip
        part[:, skip:] *= np.cos((np.arange(into, into + n) + 0.5) * (pi / 2 / fade_out)).astype(np.float32)


def _pan_matrix(placement: Placement) -> Samples:
    """(side, channel) gains; the placed sound has the energy of the clip, at any pan."""
    pan = placement.pan
    if placement.clip.n_channels == 1:
        angle = (pan + 1.0) * pi / 4.0
        return np.array([[cos(angle)], [sin(angle)]], dtype=np.float32)
    stay, move = cos(abs(pan) * pi / 2.0), sin(abs(pan) * pi / 2.0)
    matrix = np.array([[1.0, move], [0.0, stay]] if pan < 0 else [[stay, 0.0], [move, 1.0]])
    if pan == 0.0:
        return np.eye(2, dtype=np.float32)
    powers = _powers(placement)  # sides that are alike add up to more than their powers: taken back here
    after = float(np.trace(matrix @ powers @ matrix.T))
    before = float(np.trace(powers))
    return np.asarray(matrix * (sqrt(before / after) if after > 0.0 else 1.0), dtype=np.float32)


def _powers(placement: Placement) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The 2 x 2 products of the clip's sides, summed over the clip."""
    powers = np.zeros((2, 2))
    with soundfile.SoundFile(placement.clip.path) as file:
        for begin in range(0, placement.clip.n_samples, READ_SAMPLES):
            part = _read_at(file, placement, begin, min(READ_SAMPLES, placement.clip.n_samples - begin))
            powers += np.einsum("in,jn->ij", part, part)
    return powers
