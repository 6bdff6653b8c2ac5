"""Training recipes and evaluation. Knows no scripts."""
