"""``python -m cytomill``."""

from .cli.main import program

program()
