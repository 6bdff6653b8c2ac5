"""Effect engines other than CLIPSonic, behind models.engines.SoundEngine."""
