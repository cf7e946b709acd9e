"""Print the API's description of itself as JSON; nothing is served."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace

from cytomill.kiosk.api.app import create
from cytomill.kiosk.backend import Backend
from cytomill.settings import Settings

with tempfile.TemporaryDirectory() as folder:
    settings = replace(Settings(), redis="redis://127.0.0.1:1", bucket=folder)
    print(json.dumps(create(Backend.of(settings)).openapi()))
