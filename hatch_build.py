"""Has the page in every wheel and source distribution: as it is built, else built now."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface[Any]):
    """What hatchling calls before it packs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page. Ends the build with a line that says why where that cannot be."""
        if version == "editable":  # `scripts/page` builds it when it is wanted
            return
        root = Path(self.root)
        built = (root / "src/cytomill/kiosk/page/index.html").is_file()
        # In a checkout it may be older than its sources, in a source distribution it is not.
        if built and not (root / ".git").exists():
            return
        if shutil.which("npm"):
            if subprocess.run([root / "scripts/page"], cwd=root, check=False).returncode:
                self.app.abort("the page could not be built; what went wrong is told above")
        elif not built:
            self.app.abort(
                "the page is not built, and npm, which builds it, is not installed; "
                "install Node.js 20.19 or later, or run scripts/page, then build again"
            )
