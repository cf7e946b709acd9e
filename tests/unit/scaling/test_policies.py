"""Policies by name, and what belongs to which."""

from __future__ import annotations

import pytest

from cytomill.errors import OptionError
from cytomill.scaling.policies import NAMES, policy
from cytomill.scaling.policies.budget import Budget
from cytomill.scaling.policies.deadline import Deadline


def given(name):
    return policy(
        name,
        within=3600.0 if name == "deadline" else None,
        budget=20.0 if name == "budget" else None,
    )


@pytest.mark.parametrize("name", NAMES)
def test_policies_are_found_by_their_names(name):
    assert given(name).name == name


def test_the_default_is_the_first():
    assert NAMES[0] == "throughput"


def test_a_deadline_and_a_budget_are_kept():
    assert given("deadline") == Deadline(3600.0)
    assert given("budget") == Budget(20.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "fastest"}, "fastest: no such policy; there are throughput, paper"),
        ({"name": "deadline"}, "needs --within, such as --within 4h"),
        ({"name": "budget"}, "needs --budget, such as --budget 20"),
        ({"name": "paper", "within": 60.0}, "paper knows no time"),
        ({"name": "budget", "within": 60.0, "budget": 1.0}, "budget knows no time"),
        ({"name": "deadline", "within": 60.0, "budget": 1.0}, "deadline knows no cost"),
        ({"name": "deadline", "within": 0.0}, "--within: must be above 0, not 0"),
        ({"name": "budget", "budget": float("nan")}, "--budget: must be above 0, not nan"),
    ],
)
def test_what_does_not_belong_together_is_refused_in_words(arguments, message):
    with pytest.raises(OptionError, match=message):
        policy(**arguments)
