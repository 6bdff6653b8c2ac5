"""What a story's sounds have to do with places: grounds, what passes, what stays outdoors, what is nearly the same."""

from __future__ import annotations

GROUNDS = {
    "forest": "leaves",
    "garden": "gravel",
    "farm": "gravel",
    "hills": "grass",
    "lake": "grass",
    "beach": "sand",
    "street": "stone",
    "station": "stone",
    "church": "stone",
    "hospital": "stone",
    "cave": "stone",
}
PASSING = frozenset("typing siren heartbeat crowd engine helicopter insects machines traffic clock".split())
OUTDOORS = frozenset("wind birds crickets insects waves stream traffic".split())
TWINS = (
    frozenset(("waves", "beach", "harbour", "ship", "boat")),
    frozenset(("stream", "river")),
    frozenset(("train", "carriage")),
    frozenset(("traffic", "street")),
    frozenset(("crowd", "market", "tavern", "cafe", "ballroom", "station")),
    frozenset(("birds", "forest", "garden", "farm")),
    frozenset(("crickets", "lake", "night outdoors")),
    frozenset(("wind", "hills")),
    frozenset(("typing", "office")),
)
