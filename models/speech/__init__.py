"""Speech engines, one file each, behind models.engines.SpeechEngine."""
