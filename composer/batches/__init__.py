"""Batches: many scenes from one manifest, on one machine or many."""
