"""Whatever a description, a card or weights hold, the only answer is a model or one line."""

from __future__ import annotations

import copy

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytomill.errors import ModelError
from cytomill.models.network import onnx_ports, saved_model_ports
from cytomill.models.package import read, read_description
from cytomill.models.sniff import sniff
from cytomill.models.told import tell
from tests.unit.models.packages import V04, V05, network, package
from tests.unit.models.test_package import CARD

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from([1e400, -0.5, 2**70, float("nan")])
    | st.sampled_from(
        ["", "x", "batch", "raw", "..", "/", "a/../../b", "https://x/y", "1e9", "\0"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abx"), inner),
    max_leaves=4,
)


def places(value, path=()):
    """The paths to all values of a description."""
    if path:
        yield path
    steps = value.items() if isinstance(value, dict) else []
    for key, inner in enumerate(value) if isinstance(value, list) else steps:
        yield from places(inner, (*path, key))


def damaged(description):
    """A description of which one or two values are something else, or gone."""

    @st.composite
    def draw(draw):
        made = copy.deepcopy(description)
        for path in draw(st.lists(st.sampled_from(list(places(made))), min_size=1, max_size=2)):
            place = made
            try:
                for key in path[:-1]:
                    place = place[key]
                if draw(st.booleans()):
                    place[path[-1]] = draw(JUNK)
                else:
                    del place[path[-1]]
            except (KeyError, IndexError, TypeError):
                continue  # the first change took it away
        return made

    return draw()


quick = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def fault(call, *args):
    """What a call says is wrong, if anything."""
    try:
        call(*args)
    except ModelError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("description", [V04, V05], ids=["0.4", "0.5"])
@given(data=st.data())
@quick
def test_a_damaged_description_is_refused_in_one_line(tmp_path, description, data):
    path = package(tmp_path, data.draw(damaged(description)))
    assert "\n" not in fault(lambda: tell(read_description(path)))


@given(data=st.data())
@quick
def test_a_damaged_card_is_refused_in_one_line(tmp_path, data):
    path = tmp_path / "net.onnx"
    if not path.exists():
        network(path)
    path.with_suffix(".yaml").write_text(yaml.safe_dump(data.draw(damaged(CARD))))
    assert "\n" not in fault(lambda: tell(read(path)))


@given(data=st.binary(max_size=200), where=st.integers(0, 300), cut=st.booleans())
@quick
def test_damaged_weights_are_refused_in_one_line(tmp_path, data, where, cut):
    whole = network(tmp_path / "whole.onnx").read_bytes()
    path = tmp_path / "net.bin"
    path.write_bytes(data if cut else whole[:where] + data + whole[where + len(data) :])
    for call in (sniff, onnx_ports, saved_model_ports):
        assert "\n" not in fault(call, path)
