"""One thread for torch while a sound is made, so that its last bits do not depend on the number of cores.

Torch shares a sum out among its threads, and rounds otherwise for another number of them. A worker of a batch has
other threads than a render alone, and both must give the same sound. What fills the cores of a machine is rows and
scenes side by side, not threads within a net. (Kokoro runs in onnxruntime, which gives the same samples with 1, 2 and
4 threads, and keeps them.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    import torch

    n_before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_before)
