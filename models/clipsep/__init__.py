"""CLIPSep: separation of any sound by words, learned from pictures (Dong et al. 2023)."""
