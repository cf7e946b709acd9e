"""What becomes of an item's parts: its files, in the bucket, and what is told of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import get_ident

from ..batch.steps import Found
from ..image.core import Image
from ..image.names import series_stems
from ..image.view import forgiving
from ..jobs import layout
from ..jobs.bucket import Bucket
from ..jobs.items import Item
from ..jobs.task import Task
from ..pipelines.base import Partial
from ..pipelines.stopwatch import Stopwatch
from .plans import Plan
from .record import Output
from .stopping import check


@dataclass(frozen=True, slots=True)
class Made:
    """What came of the images of a file: the files written, and all else."""

    outputs: tuple[Output, ...]
    found: Found


class Making:
    """Merges parts and writes the results; several items at once.

    ``scratch`` is a folder for temporary files on this machine.
    """

    def __init__(self, bucket: Bucket, scratch: Path) -> None:
        self._bucket, self._scratch = bucket, scratch

    def make(
        self,
        task: Task,
        plan: Plan,
        item: Item,
        images: Sequence[Image],
        counts: Sequence[int],
        partials: Iterator[Partial],
        watch: Stopwatch,
    ) -> Made:
        """Merge and write each of a file's images, of which there are so many partials each."""
        found, how = Found(plan.products, len(images)), (plan.pipeline.name, plan.pipeline.objects)
        outputs: list[Output] = []
        stems = series_stems(item.stem, len(images), item.taken)
        key = layout.attempt(task.job, task.item, task.attempt)
        with self._folder(key) as out:
            for number, (image, stem) in enumerate(zip(images, stems, strict=True)):
                own = islice(partials, counts[number])
                with self._thread_folder() as scratch:
                    result = plan.pipeline.merge(image, own, scratch)
                    watch.add(result.seconds)
                    for _ in own:  # those that the pipeline left are not the next image's
                        pass
                    check()
                    with watch("write"):
                        # As in a run: lost frames of a movie are no reason to lose the others.
                        written = forgiving(image) if plan.pipeline.movies else image
                        plan.outputs.write(out, str(number), written, result, *how)
                found.add(result)
                for end in plan.outputs.ends(plan.products):
                    path = out / f"{number}{end}"
                    where = f"{key}/{number}{end}"
                    outputs.append(Output(f"{stem}{end}", where, _bytes(path), path.is_dir()))
        return Made(tuple(outputs), found)

    @contextmanager
    def _thread_folder(self) -> Iterator[Path]:
        """An empty folder of this thread's, which is kept: few merges leave anything there."""
        path = self._scratch / str(get_ident())
        path.mkdir(exist_ok=True)
        try:
            yield path
        finally:
            if os.listdir(path):  # noqa: PTH208 - asks only whether there is anything
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _folder(self, key: str) -> Iterator[Path]:
        """A folder whose files are objects below ``key`` at the end of the block.

        Of a bucket that is a folder it is the place itself: nobody looks there before the attempt
        counts.
        """
        path = self._bucket.path(key)
        if path is not None:
            yield path
            return
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            yield Path(folder)
            for file in sorted(Path(folder).iterdir()):
                self._bucket.put_file(f"{key}/{file.name}", file, move=True)


def _bytes(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        files = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        return sum(file.stat().st_size for file in files)
    return path.stat().st_size
