"""Templates and data that the planner reads. No code lives here."""
