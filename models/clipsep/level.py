"""The level of a recording, gated so that its pauses do not count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

GATE_DB = 30.0


class GatedLevel:
    """Root mean square over channels and over the seconds that lie within 30 dB of the loudest second."""

    def __init__(self, sample_rate: int) -> None:
        self._n_second = sample_rate
        self._energies: list[float] = []
        """Mean square of every whole second so far."""
        self._rest, self._n_rest = 0.0, 0

    def add(self, block: NDArray[np.floating[Any]]) -> None:
        """Takes the next samples (channels, n)."""
        begin = 0
        while begin < block.shape[1]:
            piece = block[:, begin : begin + self._n_second - self._n_rest]
            self._rest += float(np.square(piece, dtype=np.float64).sum()) / len(piece)
            self._n_rest += piece.shape[1]
            begin += piece.shape[1]
            if self._n_rest == self._n_second:
                self._energies.append(self._rest / self._n_second)
                self._rest, self._n_rest = 0.0, 0

    def rms(self) -> float:
        """The level so far, linear; 0 for silence. A rest of less than a second counts only when it is all there is."""
        energies = np.array(self._energies or [self._rest / max(1, self._n_rest)])
        loudest = energies.max()
        return float(np.sqrt(energies[energies >= loudest * 10.0 ** (-GATE_DB / 10.0)].mean()))
