"""What docs/tracks-files.md says of files and tables is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cytomill.ops.track import Track
from cytomill.tracks.files.formats import FORMATS
from cytomill.tracks.files.geff import write_geff
from cytomill.tracks.files.lineage_json import lines
from cytomill.tracks.files.napari import COLUMNS
from cytomill.tracks.files.table import added, schema
from tests.lineages import lineage_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tracks-files.md"


def first_cells(heading: str) -> list[str]:
    """The names in the first column of the table whose header begins with ``heading``."""
    table = PAGE.read_text(encoding="utf-8").split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    rows = table.splitlines()[2:]
    return [name for row in rows for name in re.findall("`([^`]+)`", row.split("|")[1])]


def test_formats_and_the_names_of_their_files_are_described() -> None:
    table = PAGE.read_text(encoding="utf-8").split("| format | file |", 1)[1].split("\n\n", 1)[0]
    rows = {row.split("|")[1].strip(" `"): row.split("|")[2] for row in table.splitlines()[2:]}
    for name, one in FORMATS.items():
        assert f"`a_{one.end}`" in rows[name]
    assert set(first_cells("format | gap that is not filled")) <= set(FORMATS)


def test_columns_of_tables_are_described() -> None:
    assert sorted(first_cells("column")) == sorted(schema().names)
    assert sorted(first_cells("added column")) == sorted(added().names)


def test_keys_of_the_lineage_and_properties_of_the_graph_are_described(tmp_path: Path) -> None:
    lineage = lineage_of({Track(1, 0, 0): set()}, 1)
    text = "".join(lines(lineage))
    assert sorted(first_cells("key")) == sorted(json.loads(text)["1"])
    write_geff(tmp_path / "a", lineage)
    properties = [path.name for path in (tmp_path / "a/nodes/props").iterdir() if path.is_dir()]
    assert sorted(first_cells("property of a node")) == sorted(properties)


def test_columns_for_napari_are_described() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## napari", 1)[1].split("```", 1)[0]
    assert [name for name in re.findall("`([^`]+)`", section) if name in COLUMNS] == list(COLUMNS)
