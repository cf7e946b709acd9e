"""Linking cells through time: our linker and others, on the same detections.

Each linker runs in a process of its own on one thread. Others are tried with every setting of a
small grid, and have on each movie the one with which they score best on that very movie. Ours has
the same on all; what is added to its odds was chosen on the two real movies. Scores are our own,
which are tested against py-ctcmetrics.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from cytomill.ops.measure import INTENSITY, measure
from cytomill.ops.overlap import Overlaps, overlaps
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film
from cytomill.ops.synthesise_movie import Movie as Synthetic
from cytomill.ops.track import Track
from cytomill.tracks.files.ctc import read_tracks
from cytomill.tracks.files.ctc_write import cut
from cytomill.tracks.lineage import Lineage, Spots
from cytomill.tracks.linking.detections import Detections, detections
from cytomill.tracks.scores.score import compare_tracks, score_tracks

from . import samples
from .common import DATA, ROOT, alternate, bar, conclude, show, spread
from .common import parser as common_parser
from .linkers.movie import COLUMNS, Movie

NAME = "linking"

#: Movies with a known truth: how the page calls them, their folder, and where their labels are.
REAL = (
    ("HeLa, markers", "ctc_Fluo-N2DL-HeLa_seq01", "01_GT/TRA"),
    ("HeLa, silver outlines", "ctc_Fluo-N2DL-HeLa_seq01", "01_ST/SEG"),
    ("SIM+, outlines", "ctc_Fluo-N2DH-SIM+_seq01", "01_GT/TRA"),
)

#: The linkers: how the page calls each, the package it needs, and what the page says besides.
LINKERS = {
    "cytomill": ("Cytomill", "cytomill", ""),
    "gapless": ("Cytomill", "cytomill", ", no gaps bridged"),
    "laptrack": ("laptrack", "laptrack", ""),
    "btrack": ("btrack", "btrack", ""),
    "deepcell": ("deepcell-tracking", "deepcell-tracking", ", without its networks"),
    "nearest": ("nearest centres, SciPy", "scipy", ""),
}

#: Those of them that are ours.
OURS = ("cytomill", "gapless")

_SEED = 3

#: A label image, the image that it is of, and the truth's labels, all (y, x).
Planes = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--rounds", type=int, default=3, help="times that each linker runs")
    made.add_argument("--data", type=Path, default=DATA, help="folder of real movies")
    made.add_argument("--size", type=samples.size, default="480x420", help="of the synthetic movie")
    made.add_argument("--frames", type=int, default=40, help="of the synthetic movie")
    made.add_argument(
        "--python",
        nargs="*",
        default=[],
        metavar="LINKER=PYTHON",
        help="where a linker is installed, if not here",
    )
    made.add_argument("--linkers", nargs="*", default=list(LINKERS), choices=list(LINKERS))
    return made


@dataclass(frozen=True, slots=True)
class Case:
    """A movie: the file of its detections, how each frame's overlap the truth's, and its tracks."""

    path: Path
    tables: list[Overlaps]
    truth: tuple[Track, ...]
    shape: tuple[int, int, int]

    def score(self, track: Sequence[int], parents: dict[int, int]) -> dict[str, float]:
        """What tracks of the detections score; ``parents`` are mothers of tracks, from 0."""
        label = np.array(track) + 1
        t = np.repeat(np.arange(len(self.tables)), [len(one.pred_ids) for one in self.tables])
        pieces, named = _pieces(t, label, parents, self.shape)
        ends = np.searchsorted(t, np.arange(len(self.tables) + 1)).tolist()
        frames = (
            _named(table, named[ends[n] : ends[n + 1]]) for n, table in enumerate(self.tables)
        )
        scored = score_tracks(compare_tracks(frames, pieces, self.truth))
        return {
            "lnk": scored.aogm.lnk or 0.0,
            "tra": scored.aogm.tra or 0.0,
            "divisions": scored.divisions[0].f1 or 0.0,
        }


def _pieces(
    t: NDArray[np.intp],
    label: NDArray[np.intp],
    parents: dict[int, int],
    shape: tuple[int, int, int],
) -> tuple[tuple[Track, ...], NDArray[np.int64]]:
    """Tracks cut at gaps, as the challenge has them, and for each detection its label, or 0."""
    kept = np.flatnonzero(label > 0)
    kept = kept[np.lexsort((label[kept], t[kept]))]
    numbers, first = np.unique(label[kept], return_index=True)
    last = len(kept) - 1 - np.unique(label[kept][::-1], return_index=True)[1]
    begin, end = t[kept][first].tolist(), t[kept][last].tolist()
    mothers = [parents.get(number - 1, -1) + 1 for number in numbers.tolist()]
    tracks = tuple(map(Track, numbers.tolist(), begin, end, mothers))
    nowhere = np.zeros(len(kept))
    spots = Spots(
        t[kept].astype(np.int32),
        label[kept].astype(np.int32),
        nowhere,
        nowhere,
        nowhere,
        np.zeros(len(kept), bool),
    )
    pieces = cut(Lineage(tracks, spots, shape))
    named = np.zeros(len(label), np.int64)
    named[kept] = pieces.labels
    return pieces.tracks, named


def _named(table: Overlaps, label: NDArray[np.int64]) -> Overlaps:
    """The overlaps of a frame with detections called by ``label``, those with 0 left out."""
    order = np.argsort(label, kind="stable")
    order = order[label[order] > 0]
    place = np.full(len(label), -1)
    place[order] = np.arange(len(order))
    row = np.flatnonzero(place[table.pred] >= 0)
    row = row[np.lexsort((table.truth[row], place[table.pred[row]]))]
    return replace(
        table,
        pred_ids=label[order].astype(np.uint32),
        pred_areas=table.pred_areas[order],
        pred=place[table.pred[row]],
        truth=table.truth[row],
        shared=table.shared[row],
        iou=table.iou[row],
    )


class Worker:
    """A linker in a process of its own that has read a movie."""

    def __init__(self, python: Path, linker: str, case: Case) -> None:
        alone = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
        )
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.linkers.worker", linker, str(case.path)],
            cwd=ROOT,
            env={**os.environ, **alone},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.grid: list[dict[str, Any]] = self.ask("grid")

    def ask(self, what: Any) -> Any:
        """Its answer to ``grid`` or a setting."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            sys.exit("a linker ended before it answered: see above")
        return json.loads(line)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, what: BaseException | None, at: TracebackType | None
    ) -> None:
        self._process.communicate()


def measure_all(asked: argparse.Namespace) -> dict[str, Any]:
    """Choose the settings of the others on each movie, then time and score all in turn."""
    elsewhere = dict(each.split("=", 1) for each in asked.python)
    pythons, versions = {}, {}
    for linker in asked.linkers:
        python = Path(elsewhere.get(linker, sys.executable))
        if version := _version(python, linker):
            pythons[linker], versions[linker] = python, version
    movies = {name: _contest(case, pythons, asked.rounds) for name, case in _cases(asked)}
    return {"versions": versions, "movies": movies, "bars": bars(movies)}


def bars(movies: dict[str, dict[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """How far ours is above the best of the others, where there are any with scores."""
    return [
        bar(
            f"{what} less that of the best other linker, {movie}{LINKERS[ours][2]}",
            found[ours][name] - max(others),
            least=0,
        )
        for movie, found in movies.items()
        for name, what in (("lnk", "LNK"), ("divisions", "F1 of divisions"))
        for ours in OURS
        if ours in found and (others := _others(found, name))
    ]


def _others(found: dict[str, dict[str, Any]], score: str) -> list[float]:
    """What all but ours score."""
    return [each[score] for name, each in found.items() if name not in OURS and score in each]


def _version(python: Path, linker: str) -> str | None:
    """That of ``linker``'s package where ``python`` is; None, and said why, where it has none."""
    name, package, _ = LINKERS[linker]
    told = (
        "import sys, importlib as i, importlib.metadata as m;"
        "i.import_module(f'benchmarks.linkers.{sys.argv[1]}_linker'); print(m.version(sys.argv[2]))"
    )
    ran = subprocess.run(
        [str(python), "-W", "ignore", "-c", told, linker, package],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        reason = (ran.stderr.strip().splitlines() or ["?"])[-1]
        print(f"not measured: {name} ({reason})", file=sys.stderr)
        return None
    return ran.stdout.split()[-1]


def _contest(case: Case, pythons: dict[str, Path], rounds: int) -> dict[str, dict[str, Any]]:
    """What each linker scores on a movie, and its frames a second."""
    found: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        asks = {}
        for linker, python in pythons.items():
            worker = stack.enter_context(Worker(python, linker, case))
            setting = _tuned(worker, case)
            found[linker] = {"setting": setting, "tried": len(worker.grid)}
            asks[linker] = partial(worker.ask, setting)
        answers = alternate(asks, rounds)
    for linker, each in answers.items():
        found[linker] |= _scores(case, each[0])
        for clock in ("cpu", "wall"):
            found[linker][clock] = spread([one["frames"] / one[clock] for one in each])
        print(case.path.stem, linker, found[linker], file=sys.stderr, flush=True)
    return found


def _tuned(worker: Worker, case: Case) -> dict[str, Any]:
    """The setting with the greatest LNK, among equals the first; with one setting, that."""
    if len(worker.grid) == 1:
        return worker.grid[0]
    values = [_scores(case, worker.ask(setting))["lnk"] for setting in worker.grid]
    return worker.grid[values.index(max(values))]


def _scores(case: Case, answer: dict[str, Any]) -> dict[str, float]:
    """Of a worker's answer; nothing where it says no tracks."""
    if "track" not in answer:
        return {}
    parents = {int(track): mother for track, mother in answer["parents"].items()}
    return case.score(answer["track"], parents)


def _cases(asked: argparse.Namespace) -> Iterator[tuple[str, Case]]:
    """The movies, read or drawn one after the other."""
    folder = asked.scratch / "linking"
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, movie, labels) in enumerate(REAL):
        home = asked.data / movie
        if home.is_dir():
            truth = read_tracks(home / "01_GT" / "TRA" / "man_track.txt")
            yield name, _case(folder / f"real{number}", _real(home, labels), lambda t=truth: t)
        else:
            print(f"not measured: {movie} is not in {asked.data}", file=sys.stderr)
    film = Film(Scene(asked.size, diameter=24, coverage=0.2), frames=asked.frames, cycle=30)
    drawn = Synthetic(film, _SEED)
    planes = ((labels, image, labels) for image, labels in drawn)
    yield "synthetic", _case(folder / "synthetic", planes, lambda: tuple(drawn.tracks))


def _real(home: Path, labels: str) -> Iterator[Planes]:
    images = sorted((home / "01").glob("t*.tif"))
    found = sorted((home / labels).glob("*.tif"))
    truth = sorted((home / "01_GT" / "TRA").glob("*.tif"))
    for paths in zip(found, images, truth, strict=True):
        label, image, true = map(tifffile.imread, paths)
        yield label, image, true


def _case(path: Path, planes: Iterator[Planes], truth: Callable[[], Sequence[Track]]) -> Case:
    """Measure the frames of a movie and keep them for linkers; ``truth`` is asked at the end."""
    rows: list[Detections] = []
    tables, kept = [], []
    for t, (labels, image, true) in enumerate(planes):
        columns = measure(labels, [image], int(labels.max()))
        darkest = columns[f"{INTENSITY[1]}-0"].min(initial=np.inf)
        bright = columns[f"{INTENSITY[0]}-0"] - darkest
        rows.append(detections(t, labels.shape, columns, brightness=bright))
        tables.append(overlaps(labels, true))
        kept.append((labels.astype(np.int32), image))
    pixels = path.with_name(f"{path.name}_pixels.npz")
    labels, images = (np.stack(each) for each in zip(*kept, strict=True))
    np.savez(pixels, labels=labels, images=images)
    columns = {
        name: np.concatenate([getattr(one, name) for one in rows])
        for name in COLUMNS
        if name != "t"
    }
    columns["t"] = np.repeat([one.t for one in rows], [len(one) for one in rows])
    movie = Movie(labels.shape, columns, pixels)
    movie.save(path.with_suffix(".npz"))
    return Case(path.with_suffix(".npz"), tables, tuple(truth()), labels.shape)


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The scores and speeds."""
    table = [["movie", "linker", "LNK", "F1 of divisions", "TRA", "frames/s of a core"]]
    for movie, linkers in found["movies"].items():
        for linker, each in linkers.items():
            own, _, besides = LINKERS[linker]
            name = f"{own} {found['versions'][linker]}{besides}"
            names = ("lnk", "divisions", "tra")
            scores = [show(each[one], 4) if one in each else "–" for one in names]
            table.append([movie, name, *scores, show(each["cpu"], 1)])
    return table


def setting_rows(found: dict[str, Any]) -> list[list[str]]:
    """The settings that were best."""
    table = [["linker", "settings tried", *found["movies"]]]
    for linker in found["versions"]:
        each = [one[linker] for one in found["movies"].values()]
        if each[0]["tried"] > 1:
            chosen = [_told(one["setting"]) for one in each]
            table.append([LINKERS[linker][0], str(each[0]["tried"]), *chosen])
    return table


def _told(setting: dict[str, Any]) -> str:
    words = {
        name: " and ".join(value).lower() if isinstance(value, list) else str(value)
        for name, value in setting.items()
    }
    return ", ".join(f"{name} {value}" for name, value in words.items())


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure_all, rows)


if __name__ == "__main__":
    main()
