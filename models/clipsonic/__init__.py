"""CLIPSonic: sounds from pictures or words, by diffusion of mel spectrograms (Dong et al., WASPAA 2023)."""
