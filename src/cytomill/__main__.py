"""``python -m cytomill``."""

from .cli.main import main

main()
