"""Where this program keeps what it can make again: the user's cache folder, or the one TALESCAPE_CACHE names."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder; it may not exist yet."""
    named = os.environ.get("TALESCAPE_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "talescape" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "talescape"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "talescape"
