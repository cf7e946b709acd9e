"""The contract of pipelines as tests."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from ..cli.run import command
from ..image.array import from_array
from ..image.core import Image
from ..inference.load import models as load
from ..inference.runtime import Models
from ..ops.synthesise import Scene, nuclei
from ..pipelines.base import Options, Part, Partial, Pipeline, Result


class PipelineTests:
    """Subclass it and give the fixture ``pipeline``, and others whose default does not fit."""

    @pytest.fixture
    def pipeline(self) -> Pipeline[Any]:
        """The pipeline under test."""
        raise NotImplementedError

    @pytest.fixture
    def image(self) -> Image:
        """An image in which the pipeline finds something: here nuclei, on four planes."""
        plane, _ = nuclei(Scene((120, 150), coverage=0.3))
        stack = np.stack([[plane, plane[::-1]], [plane[:, ::-1], np.zeros_like(plane)]])
        return from_array(stack, "TZYX")

    @pytest.fixture
    def seen(self, pipeline: Pipeline[Any], image: Image) -> Image:
        """That image as the pipeline takes it."""
        return pipeline.view(image)

    @pytest.fixture
    def models(self) -> Models:
        """The models that the pipeline asks."""
        return _models()

    def test_it_says_what_it_is(self, pipeline: Pipeline[Any]) -> None:
        """Name, summary and options are those of a class that every client can show."""
        kind = type(pipeline)
        assert kind.name.isidentifier()
        assert kind.summary.endswith(".")
        assert issubclass(kind.Options, Options)
        assert isinstance(pipeline.options, kind.Options)
        fields = kind.Options.model_json_schema().get("properties", {})
        assert all(field.get("description") for field in fields.values())

    def test_its_options_are_none_of_the_commands(self, pipeline: Pipeline[Any]) -> None:
        """An option of the name of one of ``cytomill run`` could not be given."""
        taken = {param.name for param in command.params}
        assert not taken & set(type(pipeline).Options.model_fields)

    def test_options_refuse_what_they_do_not_know(self, pipeline: Pipeline[Any]) -> None:
        """A mistyped option is an error, not ignored."""
        known = pipeline.options.model_dump()
        assert type(pipeline).Options.model_validate(known) == pipeline.options
        with pytest.raises(ValidationError):
            type(pipeline).Options.model_validate({**known, "no_such_option": 1})

    def test_an_image_is_seen_as_it_is_once_and_for_all(
        self, pipeline: Pipeline[Any], image: Image, seen: Image
    ) -> None:
        """Name, channels and the extent of planes stay, and a second look changes nothing."""
        assert (seen.name, seen.channels, seen.rgb) == (image.name, image.channels, image.rgb)
        assert (seen.shape[1], *seen.shape[3:]) == (image.shape[1], *image.shape[3:])
        again = pipeline.view(seen)
        assert (again.axes, again.shape) == (seen.axes, seen.shape)
        for t, z in seen.planes:
            assert np.array_equal(again.read(t, 0, z), seen.read(t, 0, z))

    def test_parts_cover_every_plane_once(self, pipeline: Pipeline[Any], seen: Image) -> None:
        """Parts are numbered in order; those of a plane tile one rectangle from its corner."""
        parts = pipeline.split(seen)
        assert [part.index for part in parts] == list(range(len(parts)))
        assert {plane for part in parts for plane in _planes(part)} == set(seen.planes)
        extents = {_covered(parts, t, z) for t, z in seen.planes}
        assert len(extents) == 1

    def test_splitting_is_deterministic(self, pipeline: Pipeline[Any], seen: Image) -> None:
        """Whoever splits, now or later, numbers the same parts."""
        assert list(pipeline.split(seen)) == list(pipeline.split(seen))

    def test_processing_is_deterministic_and_safe_in_threads(
        self, pipeline: Pipeline[Any], seen: Image, models: Models
    ) -> None:
        """A part gives the same, again and beside others."""
        parts = pipeline.split(seen)
        alone = _process(pipeline, seen, parts, models)
        with ThreadPoolExecutor(4) as pool:
            beside = list(pool.map(lambda p: pipeline.process(seen, p, models), [*parts] * 2))
        for one, other in zip(alone * 2, beside, strict=True):
            assert _same(one.labels, other.labels)
            assert one.columns.keys() == other.columns.keys()
            for name in one.columns:
                np.testing.assert_array_equal(one.columns[name], other.columns[name])

    def test_partials_are_what_the_contract_says(
        self, pipeline: Pipeline[Any], seen: Image, models: Models
    ) -> None:
        """Labels, if any, lie over the box, with ids 1 to count, and a row for each id."""
        parts = pipeline.split(seen)
        for part, partial in zip(parts, _process(pipeline, seen, parts, models), strict=True):
            assert (partial.index, partial.t, partial.z) == (part.index, part.t, part.z)
            assert partial.box.grown(0, (seen.shape[3], seen.shape[4])) == partial.box
            if partial.labels is None:
                assert partial.count == 0
                continue
            assert partial.labels.dtype == np.int32
            several = (part.frames, part.depth) if partial.labels.ndim == 4 else ()
            assert partial.labels.shape == (*several, *partial.box.shape)
            assert _ids(partial.labels) == list(range(1, partial.count + 1))
            assert all(len(column) == partial.count for column in partial.columns.values())

    def test_parts_and_partials_travel_between_processes(
        self, pipeline: Pipeline[Any], seen: Image, models: Models
    ) -> None:
        """They are pickled on the way through a queue."""
        part = pipeline.split(seen)[0]
        assert pickle.loads(pickle.dumps(part)) == part
        partial = pipeline.process(seen, part, models)
        copy = pickle.loads(pickle.dumps(partial))
        assert _same(copy.labels, partial.labels)
        assert (copy.box, copy.count) == (partial.box, partial.count)

    def test_the_order_of_processing_does_not_matter(
        self, pipeline: Pipeline[Any], seen: Image, models: Models, tmp_path: Path
    ) -> None:
        """Parts may be processed in any order; merged in theirs they give the same."""
        parts = pipeline.split(seen)
        forth = _process(pipeline, seen, parts, models)
        back = _process(pipeline, seen, parts[::-1], models)[::-1]
        results = []
        for number, partials in enumerate((forth, back)):
            scratch = tmp_path / str(number)
            scratch.mkdir()
            results.append(pipeline.merge(seen, iter(partials), scratch))
        one, other = results
        assert (one.labels is None) == (other.labels is None)
        if one.labels is not None and other.labels is not None:
            assert np.array_equal(one.labels[...], other.labels[...])
        assert one.count == other.count
        assert one.notes == other.notes
        assert one.tables.keys() == other.tables.keys()
        for name, table in one.tables.items():
            assert table.equals(other.tables[name])
        for name, write in one.files.items():
            assert _written(write, tmp_path / f"one{name}") == _written(
                other.files[name], tmp_path / f"other{name}"
            )
        for name, image_of in one.maps.items():
            for t, z in image_of.planes:
                assert np.array_equal(image_of.read(t, 0, z), other.maps[name].read(t, 0, z))
        assert (one.table is None) == (other.table is None)
        if one.table is not None:
            assert one.table.equals(other.table)

    def test_the_result_has_unique_ids_and_a_row_for_each(
        self, pipeline: Pipeline[Any], seen: Image, models: Models, tmp_path: Path
    ) -> None:
        """Labels, if any, have the image's planes, and the table a row for each id on each.

        But in movies, where it is that of a cell through time, no id is on two planes.
        """
        partials = _process(pipeline, seen, pipeline.split(seen), models)
        result = pipeline.merge(seen, iter(partials), tmp_path)
        if result.labels is None:
            assert result.count == 0
            return
        times, _, depths, height, width = seen.shape
        assert result.labels.shape == (times, depths, height, width)
        assert result.labels.dtype in (np.uint16, np.uint32)
        assert result.count > 0
        found = [(t, z, i) for t, z in seen.planes for i in _ids(result.labels[t, z])]
        ids = [i for _, _, i in found]
        assert sorted(set(ids) if pipeline.movies else ids) == list(range(1, result.count + 1))
        if result.table is not None:
            assert sorted(_rows(result)) == found

    def test_the_result_is_what_was_announced(
        self, pipeline: Pipeline[Any], seen: Image, models: Models, tmp_path: Path
    ) -> None:
        """Files are named before any image is read."""
        partials = _process(pipeline, seen, pipeline.split(seen), models)
        result = pipeline.merge(seen, iter(partials), tmp_path)
        products = pipeline.products
        assert (result.labels is not None) == products.labels
        assert set(result.maps) == set(products.maps)
        assert set(result.arrays) == set(products.arrays)
        assert set(result.files) == set(products.files)
        assert set(result.tables) == set(products.tables)
        names = [*products.maps, *products.arrays, *products.files]
        assert len({name.casefold() for name in names}) == len(names)
        assert all(re.fullmatch(r"[\w.-]+", name, re.ASCII) for name in names)
        assert all(re.fullmatch(r"\w+", name, re.ASCII) for name in products.tables)
        assert "measurements" not in products.tables
        assert all(note.strip() == note and note.isprintable() for note in result.notes)

    def test_what_can_be_lost_is_told(
        self, pipeline: Pipeline[Any], seen: Image, models: Models, tmp_path: Path
    ) -> None:
        """What stands for a lost part can be merged with the others, and there is a note."""
        parts = pipeline.split(seen)
        partials = _process(pipeline, seen, parts, models)
        part = parts[len(parts) // 2]
        lost = pipeline.lost(seen, part, "it could not be read")
        if lost is None:
            return
        assert (lost.index, lost.t, lost.z) == (part.index, part.t, part.z)
        partials[part.index] = lost
        result = pipeline.merge(seen, iter(partials), tmp_path)
        assert set(result.tables) == set(pipeline.products.tables)
        assert set(result.files) == set(pipeline.products.files)
        assert any("it could not be read" in note for note in result.notes)


@cache
def _models() -> Models:
    return load("cpu", 2)


def _process(
    pipeline: Pipeline[Any], image: Image, parts: Sequence[Part], models: Models
) -> list[Partial]:
    return [pipeline.process(image, part, models) for part in parts]


def _planes(part: Part) -> list[tuple[int, int]]:
    times, depths = range(part.t, part.t + part.frames), range(part.z, part.z + part.depth)
    return [(t, z) for t in times for z in depths]


def _same(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    return one is other if one is None or other is None else np.array_equal(one, other)


def _covered(parts: Sequence[Part], t: int, z: int) -> tuple[int, int]:
    """The (y, x) extent of a plane's cores, which must cover it once."""
    cores = [part.core for part in parts if (t, z) in _planes(part)]
    extent = max(core.y1 for core in cores), max(core.x1 for core in cores)
    times = np.zeros(extent, int)
    for core in cores:
        times[core.slices] += 1
    assert (times == 1).all()
    return extent


def _written(write: Callable[[Path], None], path: Path) -> dict[str, bytes]:
    """A file, or the files of a folder, with their content."""
    write(path)
    below = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in below}


def _ids(labels: NDArray[Any]) -> list[int]:
    return [int(i) for i in np.unique(labels) if i]


def _rows(result: Result) -> list[tuple[int, int, int]]:
    assert result.table is not None
    columns = (result.table[name].to_pylist() for name in ("t", "z", "label"))
    return list(zip(*columns, strict=True))
