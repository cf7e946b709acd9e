"""btrack: a Kalman filter for each cell, then the likeliest hypotheses for whole tracks.

The model is the one for cells that its documentation begins with (``cell_config.json``), which it
would download; tracking is by motion, or by motion and looks, and the search radius is tried.
"""

from __future__ import annotations

import logging
from itertools import product
from typing import Any

import btrack
import numpy as np
from btrack.config import TrackerConfig
from btrack.models import HypothesisModel, MotionModel

from .movie import Movie, Told

GRID = [
    {"reach": reach, "updates": updates}
    for reach, updates in product((10, 15, 20, 30, 40, 60, 100), (["MOTION"], ["MOTION", "VISUAL"]))
]

#: What of a cell's looks is compared.
_LOOKS = ("area", "major", "minor", "turn", "mean")

_HALVES = np.diag([0.1, 0.1, 0.1, 1.0, 1.0, 1.0])

_MOTION = MotionModel(
    name="cell_motion",
    measurements=3,
    states=6,
    A=np.eye(6) + np.eye(6, k=3),
    H=np.eye(3, 6),
    P=150.0 * _HALVES,
    G=15.0 * np.array([[0.5, 0.5, 0.5, 1.0, 1.0, 1.0]]),
    R=5.0 * np.eye(3),
    accuracy=7.5,
    max_lost=5,
    prob_not_assign=0.001,
)

_HYPOTHESES = HypothesisModel(
    name="cell_hypothesis",
    hypotheses=["P_FP", "P_init", "P_term", "P_link", "P_branch", "P_dead"],
    lambda_time=5.0,
    lambda_dist=3.0,
    lambda_link=10.0,
    lambda_branch=50.0,
    eta=1e-10,
    theta_dist=20.0,
    theta_time=5.0,
    dist_thresh=40,
    time_thresh=2,
    apop_thresh=5,
    segmentation_miss_rate=0.1,
    apoptosis_rate=0.001,
    relax=True,
)

logging.getLogger("btrack").setLevel(logging.ERROR)

# Its library in C++ does not load everywhere: better now than when all have begun.
btrack.libwrapper.get_library()

_Prepared = tuple[list[Any], tuple[int, int, int]]


def prepare(movie: Movie) -> _Prepared:
    columns = {name: movie.columns[name].tolist() for name in ("t", "y", "x", *_LOOKS)}
    objects = []
    for row, values in enumerate(zip(*columns.values(), strict=True)):
        t, y, x, *looks = values
        one = btrack.btypes.PyTrackObject()
        one.ID, one.t, one.x, one.y, one.z = row, t, x, y, 0.0
        one.properties = dict(zip(_LOOKS, looks, strict=True))
        objects.append(one)
    return objects, movie.shape


def link(prepared: _Prepared, setting: dict[str, Any]) -> btrack.BayesianTracker:
    objects, (_, height, width) = prepared
    tracker = btrack.BayesianTracker(verbose=False)
    tracker.configure(TrackerConfig(motion_model=_MOTION, hypothesis_model=_HYPOTHESES))
    tracker.max_search_radius = setting["reach"]
    if "VISUAL" in setting["updates"]:
        tracker.features = list(_LOOKS)
    tracker.append(objects)
    tracker.volume = ((0, width), (0, height))
    tracker.track(step_size=100, tracking_updates=setting["updates"])
    tracker.optimise(options={"msg_lev": "GLP_MSG_OFF"})
    return tracker


def told(movie: Movie, linked: btrack.BayesianTracker) -> Told:
    with linked:
        rows = [(one.ID, one.parent, list(one.refs)) for one in linked.tracks]
    return _told(len(movie.columns["t"]), rows)


def _told(count: int, linked: list[tuple[int, int, list[int]]]) -> Told:
    track = np.full(count, -1)
    number = {own: place for place, (own, _, _) in enumerate(linked)}
    for own, _, rows in linked:
        track[[row for row in rows if row >= 0]] = number[own]  # below zero: put into a gap
    parents = {
        number[own]: number[parent]
        for own, parent, _ in linked
        if parent not in (0, own) and parent in number
    }
    return track, parents
