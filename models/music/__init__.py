"""Music engines, one file each, behind models.engines.SoundEngine."""
