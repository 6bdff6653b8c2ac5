"""The service: scene folders behind a small HTTP API, for editors and other programs. Needs the extra `serve`."""
