from __future__ import annotations

from cytomill.image.correction import Correction
from cytomill.kiosk.corrections import Corrections


def test_of_several_that_counts_which_names_most_of_the_path():
    said = Corrections(
        {
            "corrections": [
                {"path": "*", "axes": "zyx"},
                {"path": "b.zip", "axes": "TYX"},
                {"path": "b.zip/deep", "pixel_size": 0.5},
                {"path": "b.zip/deep/m.tif", "axes": "CYX", "pixel_size": 2},
            ]
        }
    )
    assert said.of("a.tif") == Correction("ZYX")
    assert said.of("b.zip/n.tif") == Correction("TYX")
    assert said.of("b.zip/deep/n.tif") == Correction(None, 0.5)
    assert said.of("b.zip/deep/m.tif") == Correction("CYX", 2)
    assert said.of("b.zipped/n.tif") == Correction("ZYX")
    assert Corrections({}).of("a.tif") is None
    assert Corrections({"corrections": [{"path": "b", "axes": "YX"}]}).of("a.tif") is None


def test_what_is_named_is_taken_with_all_in_it():
    said = Corrections({"paths": ["a.tif", "b.zip/m.tif", "./deep//in/"]})
    taken = ["a.tif", "b.zip/m.tif", "deep/in/c.tif", "deep/in/d.zip/e.tif"]
    left = ["b.tif", "b.zip/n.tif", "deep/c.tif", "a.tif2", "in/c.tif"]
    assert [path for path in [*taken, *left] if said.takes(path)] == taken
    assert said.names("a.tif")
    assert not said.names("deep/in/c.tif")
    assert [said.takes_inside(one) for one in ("b.zip", "deep/in/d.zip", "c.zip")] == [
        True,
        True,
        False,
    ]
    everything = Corrections({})
    assert everything.takes("a.tif")
    assert everything.takes_inside("b.zip")
    assert not everything.names("a.tif")
