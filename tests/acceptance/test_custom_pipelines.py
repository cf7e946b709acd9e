"""A pipeline of one's own, from nothing to labels."""

from __future__ import annotations

import os

import numpy as np
import tifffile


def test_new_to_run_to_labels(program, tmp_path, images, scene):
    image, _ = scene
    own = tmp_path / "own pipelines"
    env = {**os.environ, "CYTOMILL_PIPELINES": str(own)}

    done = program("pipelines", "new", "bright_spots", env=env)
    assert done.code == 0
    assert str(own / "bright_spots.py") in done.out
    assert "-p bright_spots" in done.out
    assert "CYTOMILL_PIPELINES" not in done.out

    listed = program("pipelines", "list", env=env)
    assert "bright_spots  Labels what is brighter" in listed.out
    assert "--sigma FLOAT" in program("run", "-p", "bright_spots", "--help", env=env).out

    run = ("run", images, "-o", tmp_path / "out", "-p", "bright_spots", "--sigma", 3, "--json")
    done = program(*run, env=env)
    assert done.code == 0
    assert done.told["done"] == 3
    labels = tifffile.imread(tmp_path / "out/a_labels.tif")
    assert labels.shape == image.shape
    assert labels.max() > 1
    assert image[labels > 0].mean() > 2 * image[labels == 0].mean()
    rotated = tifffile.imread(tmp_path / "out/b/c_labels.tif")
    assert ((np.rot90(labels) > 0) == (rotated > 0)).mean() > 0.99
    assert (tmp_path / "out/measurements.csv").read_text().count("\n") > labels.max()

    wrong = program(*run[:-3], "--sigma", 99, env=env)
    assert wrong.code == 2
    assert "sigma" in wrong.err


def test_a_broken_one_is_told_and_harms_no_other(program, tmp_path, images):
    own = tmp_path / "own"
    env = {**os.environ, "CYTOMILL_PIPELINES": str(own)}
    assert program("pipelines", "new", "good", env=env).code == 0
    (own / "bad.py").write_text("x = 1\ny = = 2\n")
    listed = program("pipelines", "list", env=env)
    assert listed.code == 0
    assert f"bad  {own}/bad.py, line 2: cannot be loaded (SyntaxError" in listed.out
    assert "good  Labels" in listed.out
    asked = program("run", images, "-o", tmp_path / "out", "-p", "bad", env=env)
    assert asked.code == 2
    assert asked.err.startswith(f"cytomill: {own}/bad.py, line 2: cannot be loaded")
    assert program("run", images, "-o", tmp_path / "out", "-p", "good", "-q", env=env).code == 0


def test_another_folder_is_told_how_to_use(cytomill, tmp_path):
    other = tmp_path / "my lab"
    done = cytomill("pipelines", "new", "spots", "--to", other)
    assert done.code == 0
    assert (other / "spots.py").exists()
    assert f"CYTOMILL_PIPELINES='{other}'" in done.out
    again = cytomill("pipelines", "new", "spots", "--to", other)
    assert again.code == 2
    assert again.err.startswith(f"cytomill: {other}/spots.py: is there already")
    assert cytomill("pipelines", "new", "no good").code == 2
