"""Commands of the front door, a file for each kind of thing that they take; cli.py hangs them up."""
