"""From synthetic movies to networks: ``python -m training.linking --out WORK``.

The movies are kept in ``WORK/movies``. The networks land in ``WORK/linking.npz``; copy it to
``src/cytomill/tracks/linking`` to ship them. Nothing but synthetic movies goes into them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytomill.tracks.linking.candidates import contested
from cytomill.tracks.linking.divisions import unlit
from cytomill.tracks.linking.leftovers import Ends, leftovers
from cytomill.tracks.linking.link import chosen, link_odds
from cytomill.tracks.linking.network import Network, Networks
from cytomill.tracks.linking.step import Step, Units, between, first

from .fit import fit, told
from .movies import Example, examples, split
from .truth import Answer, answer
from .vary import varied

#: Candidates with lower log odds teach nothing more.
_HOPELESS = -7.0

#: Frames that gaps are learnt of.
_MAX_GAP = 4

Rows = tuple[NDArray[np.float32], NDArray[np.bool_]]

#: Rows of a movie, given the networks fitted so far.
Gather = Callable[[Example, Networks], Iterator[Rows]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.linking", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for movies and networks")
    parser.add_argument("--movies", type=int, default=130)
    parser.add_argument("--variants", type=int, default=5, help="of each movie")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw movies")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    movies = list(examples(options.out / "movies", options.movies, options.workers))
    networks: dict[str, Network] = {}
    for stage, (name, (rows, hidden, passes, decay)) in enumerate(_STAGES.items()):
        train, validation = (
            _gathered(some, rows, networks, options.variants, (options.seed, stage, role))
            for role, some in enumerate(split(movies))
        )
        made = fit(*train, hidden, passes=passes, decay=decay, seed=options.seed)
        networks[name] = made
        print(f"{name}: trained {told(made, *train)}", flush=True)
        print(f"{name}: validated {told(made, *validation)}", flush=True)
    np.savez(options.out / "linking.npz", **_stored(networks))


def _gathered(
    movies: Iterable[Example],
    rows: Gather,
    networks: Networks,
    variants: int,
    seed: tuple[int, ...],
) -> Rows:
    found = [
        row
        for number, movie in enumerate(movies)
        for variant in range(variants)
        for row in rows(varied(movie, np.random.default_rng([*seed, number, variant])), networks)
    ]
    return np.concatenate([f for f, _ in found]), np.concatenate([t for _, t in found])


def _steps(movie: Example) -> Iterator[tuple[Step, Answer]]:
    """The steps of a movie, each from what was truly linked before."""
    units, frame = Units(), first(movie.frames[0])
    for found in movie.frames[1:]:
        step = between(frame, found, units)
        true = answer(frame.found, found, movie.parents)
        yield step, true
        frame = step.frame(true.origin, true.born)


def _true_links(step: Step, true: Answer) -> NDArray[np.bool_]:
    after = step.pairs.after
    links: NDArray[np.bool_] = (true.origin[after] == step.pairs.before) & ~true.born[after]
    return links


def _links(movie: Example, networks: Networks) -> Iterator[Rows]:
    for step, true in _steps(movie):
        yield step.pairs.features, _true_links(step, true)


def _claims(movie: Example, networks: Networks) -> Iterator[Rows]:
    for step, true in _steps(movie):
        odds = networks["links"].odds(step.pairs.features)
        keep = odds > _HOPELESS
        counts = len(step.before.found), len(step.found)
        yield contested(step.pairs, odds, counts)[keep], _true_links(step, true)[keep]


def _divisions(movie: Example, networks: Networks) -> Iterator[Rows]:
    for step, true in _steps(movie):
        found = step.triples(link_odds(step, networks))
        rows = zip(found.mother.tolist(), found.near.tolist(), found.far.tolist(), strict=True)
        truth = np.array([row in true.divisions for row in rows], bool)
        yield found.features, truth
        if step.before.looks.lit:
            yield unlit(found.features), truth


def _gaps(movie: Example, networks: Networks) -> Iterator[Rows]:
    """Of what the other networks leave over."""
    units, frame = Units(), first(movie.frames[0])
    ends: Ends | None = None
    for found in movie.frames[1:]:
        step = between(frame, found, units)
        origin, born = chosen(step, networks)
        before = step.before
        gone = np.ones(len(before.found), bool)
        gone[origin[origin >= 0]] = False
        rows = np.flatnonzero(gone)
        fresh = Ends.of(before, rows, before.found.ids[rows].astype(np.intp))
        ends = (fresh if ends is None else ends.joined(fresh)).moved(step.shift)
        ends = ends.take(found.t - ends.t - 1 <= _MAX_GAP)
        frame = step.frame(origin, born)
        starts = np.flatnonzero(origin < 0)
        if not len(ends) or not len(starts):
            continue
        some = leftovers(ends, frame, starts, step.scale)
        label, next_label = ends.track[some.end], found.ids[some.start]
        parent = np.array([movie.parents.get(int(one), 0) for one in next_label], np.intp)
        truth = (label > 0) & ((label == next_label) | (label == parent))
        yield some.features, truth
        closed = np.isin(ends.track, label[truth]) & (ends.track > 0)
        ends = ends.take(~closed)


#: What is fitted, in this order: its rows, hidden layers, passes over them, and weight decay.
_STAGES: dict[str, tuple[Gather, tuple[int, ...], int, float]] = {
    "links": (_links, (32, 24), 8, 1e-3),
    "claims": (_claims, (32, 24), 8, 1e-3),
    "divisions": (_divisions, (32, 16), 16, 2e-2),
    "gaps": (_gaps, (24, 12), 40, 1e-2),
}


def _stored(networks: dict[str, Network]) -> dict[str, NDArray[np.float32]]:
    arrays: dict[str, NDArray[np.float32]] = {}
    for name, one in networks.items():
        arrays |= {f"{name}.mean": one.mean, f"{name}.spread": one.spread}
        for depth, (weights, biases) in enumerate(one.layers):
            arrays |= {f"{name}.weights{depth}": weights, f"{name}.biases{depth}": biases}
    return arrays


if __name__ == "__main__":
    main()
