"""Shows the events of sonifying on stderr: how sure it is, and each file of many."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from composer.errors import ComposerError
from composer.sonifying import Asked, Event, Made, Sonified


def show(events: Iterable[Event]) -> Sonified:
    """Follows it to its end, and gives its last event."""
    for event in events:
        match event:
            case Asked():
                told = f"{event.confidence:.2f} sure that it will be heard as asked: {event.because}"
                print(f"warning: only {told}" if event.is_unsure else told, file=sys.stderr)
            case Made():
                if event.count > 1:
                    print(f"{event.number} of {event.count}: seed {event.seed}", file=sys.stderr)
            case Sonified():
                total_s = sum(each.duration_s for each in event.made)
                print(
                    f"{total_s:.1f} s of sound in {event.seconds_spent:.1f} s, "
                    f"{event.sample_rate} Hz with sound up to {event.bandwidth_hz:.0f} Hz",
                    file=sys.stderr,
                )
                return event
    raise ComposerError("sonifying ended without a result")
