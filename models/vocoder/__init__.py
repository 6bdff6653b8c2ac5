"""Log-mel spectrograms and the ways back from them to a waveform."""
