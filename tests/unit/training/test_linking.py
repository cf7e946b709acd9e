from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film
from cytomill.tracks.linking import network
from cytomill.tracks.linking.link import Linker
from tests.spots import drawn, links, seen, take, true_links
from training.linking import __main__ as recipe
from training.linking import movies
from training.linking.fit import fit, told
from training.linking.movies import examples, film, split
from training.linking.truth import answer
from training.linking.vary import varied


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two small movies, drawn as the recipe draws them."""
    made = tmp_path_factory.mktemp("work")
    scene = Scene((150, 160), diameter=16, coverage=0.25)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(movies, "film", lambda rng: Film(scene, frames=14, cycle=14))
        (made / "movies").mkdir()
        for number in range(2):
            movies._draw(made / f"movies/{number:04d}.pickle")
    return made


@pytest.fixture(scope="module")
def example(folder):
    return next(examples(folder / "movies", 1, 1))


def test_the_recipe_gives_networks_that_link(folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["linking", "--out", str(folder), "--movies", "2"])
    recipe.main()
    said = capsys.readouterr().out
    with np.load(folder / "linking.npz") as made:
        arrays = dict(made)
    shipped = network.shipped()
    for name, one in shipped.items():
        assert f"{name}: validated loss" in said
        expected = {f"{name}.mean": one.mean.shape, f"{name}.spread": one.spread.shape}
        for depth, (weights, biases) in enumerate(one.layers):
            expected |= {
                f"{name}.weights{depth}": weights.shape,
                f"{name}.biases{depth}": biases.shape,
            }
        kept = {key: array for key, array in arrays.items() if key.startswith(f"{name}.")}
        assert {key: array.shape for key, array in kept.items()} == expected
        assert all(array.dtype == np.float32 for array in kept.values())
        assert all(np.isfinite(array).all() for array in kept.values())
    assert len(shipped) == 4
    # What little they have seen is enough for cells that hardly move.
    monkeypatch.setattr(network, "_FILE", str(folder / "linking.npz"))
    linker = Linker(networks=network.shipped.__wrapped__())
    frames, _ = drawn(3, frames=8, speed=0.02)
    for found in frames:
        linker.add(found)
    true = true_links(frames)
    assert len(links(linker.finish()) & true) >= 0.9 * len(true)


def test_a_movie_is_drawn_once(folder, example):
    path = folder / "movies/0000.pickle"
    before = path.stat().st_mtime_ns
    again = next(examples(folder / "movies", 1, 1))
    assert path.stat().st_mtime_ns == before
    assert [len(found) for found in again.frames] == [len(found) for found in example.frames]
    assert isinstance(pickle.loads(path.read_bytes()), movies.Example)


def test_every_seventh_movie_validates(example):
    numbered = [replace(example, parents={0: number}) for number in range(15)]
    train, validation = split(numbered)
    assert [one.parents[0] for one in validation] == [0, 7, 14]
    assert len(train) == 12


def test_films_differ_and_are_what_can_be_drawn():
    made = [film(np.random.default_rng(seed)) for seed in range(50)]
    assert len({one.scene.diameter for one in made}) == 50
    assert all(200 <= one.scene.shape[0] <= 700 for one in made)
    assert all(one.frames >= 12 for one in made)


@pytest.mark.parametrize("seed", range(12))
def test_variants_are_movies_of_the_same_cells(example, seed):
    made = varied(example, np.random.default_rng(seed))
    again = varied(example, np.random.default_rng(seed))
    assert made.parents.items() >= example.parents.items()  # labels may be broken in two
    known = set(made.parents)
    assert len(made.frames) >= len(example.frames) // 3
    assert [found.t for found in made.frames] == sorted({found.t for found in made.frames})
    for found, other in zip(made.frames, again.frames, strict=True):
        np.testing.assert_array_equal(found.places, other.places)
        cells = found.ids[found.ids > 0].tolist()
        assert set(cells) <= known
        assert len(set(cells)) == len(cells)
        assert np.isfinite(found.places).all()
        for values in (found.area, found.major, found.minor):
            assert np.isfinite(values).all()
            assert (values > 0).all()
        assert (found.major >= found.minor - 1e-9).all()
        assert np.isnan(found.mean).all() or np.isfinite(found.mean).all()


def test_variants_leave_the_movie_as_it_was(example):
    before = [found.places.copy() for found in example.frames]
    varied(example, np.random.default_rng(3))
    for found, places in zip(example.frames, before, strict=True):
        np.testing.assert_array_equal(found.places, places)


def test_the_answer_to_a_step():
    before = seen(0, [[10, 10], [50, 50], [90, 90], [130, 130]], ids=[1, 2, 3, -1])
    after = seen(1, np.arange(14).reshape(7, 2), ids=[1, 4, 5, 6, 8, -1, 9])
    # 1 goes on, 2 divides, of 3's daughters one was missed; 8 is new, as is what 9 is of.
    true = answer(before, after, {4: 2, 5: 2, 6: 3, 7: 3, 9: 8})
    assert true.origin.tolist() == [0, 1, 1, 2, -1, -1, -1]
    assert true.born.tolist() == [False, True, True, False, False, False, False]
    assert true.divisions == {(1, 1, 2), (1, 2, 1)}
    alone = answer(before, take(after, [1]), {4: 2, 5: 2})
    assert (alone.origin.tolist(), alone.born.tolist(), alone.divisions) == ([1], [False], set())


def test_a_fit_tells_true_from_false():
    rng = np.random.default_rng(0)
    features = rng.normal(3, 2, (6000, 4)).astype(np.float32)
    truth = np.abs(features[:, 0] - 3) > 1.4  # of which a line tells nothing
    one, other = (fit(features, truth, (16, 8), passes=80, decay=1e-3, seed=5) for _ in range(2))
    assert ((one.odds(features) > 0) == truth).mean() > 0.9
    np.testing.assert_array_equal(one.odds(features), other.odds(features))
    assert "6000 rows" in told(one, features, truth)
