"""From words to a scene: the script table, its planners, the timeline, rendering and mixing. Imports no torch."""
