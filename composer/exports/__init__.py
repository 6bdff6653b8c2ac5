"""One file a format: a rendered scene handed over to other programs."""
