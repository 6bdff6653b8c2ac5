"""Encoders: words (later pictures) become vectors whose cosine says how near two meanings are."""
