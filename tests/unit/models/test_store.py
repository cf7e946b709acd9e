from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import yaml

from cytomill.errors import ModelError, OptionError, OutputError
from cytomill.models import library, store
from cytomill.models.download import Downloader, DownloadError
from cytomill.models.store import Store
from cytomill.settings import settings
from tests.unit.models.packages import V04, V05, changed, network, package


@pytest.fixture
def own(tmp_path, monkeypatch):
    """An empty store."""
    monkeypatch.setattr(library, "settings", replace(settings, models=tmp_path / "store"))
    return Store(tmp_path / "store", Downloader(("localhost",)))


def inside(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_model_is_added_listed_and_removed(tmp_path, own):
    path = package(tmp_path / "p", V05)
    (tmp_path / "p/dataset.tif").write_bytes(b"not of the model")
    name, description = own.add(str(path.parent))
    assert (name, own.names()) == ("small-net", ("small-net",))
    assert description.folder == tmp_path / "store/small-net"
    assert inside(description.folder) == ["in.npy", "net.onnx", "out.npy", "rdf.yaml"]
    own.remove("small-net")
    assert own.names() == ()
    assert inside(tmp_path / "store") == [".lock"]


def test_the_name_is_the_zoos_or_the_one_given(tmp_path, own):
    zoo = changed(V05, "config", {"bioimageio": {"nickname": "affable-shark"}})
    path = str(package(tmp_path / "p", zoo))
    assert own.add(path)[0] == "affable-shark"
    assert own.add(path, "mine")[0] == "mine"
    assert own.names() == ("affable-shark", "mine")


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "-x", "n" * 101, "a b", "nuclei"])
def test_names_that_cannot_be_are_refused(tmp_path, own, name):
    with pytest.raises(OptionError, match=r"cannot be a model's name|name of a built-in model"):
        own.add(str(package(tmp_path / "p", V05)), name)


def test_the_same_model_may_be_added_twice_another_only_over_it(tmp_path, own):
    path = str(package(tmp_path / "p", V05))
    own.add(path, "mine")
    own.add(path, "mine")
    other = str(package(tmp_path / "q", changed(V05, "version", "2")))
    with pytest.raises(OptionError, match="mine: is installed with other files; give --overwrite"):
        own.add(other, "mine")
    assert own.add(other, "mine", overwrite=True)[1].version == "2"
    assert own.names() == ("mine",)


def test_a_model_with_a_fault_leaves_nothing_behind(tmp_path, own):
    bad = changed(V05, "weights.onnx.sha256", "0" * 64)
    with pytest.raises(ModelError, match="has SHA-256"):
        own.add(str(package(tmp_path / "p", bad)))
    assert own.names() == ()


def test_any_form_of_a_model_can_be_added(tmp_path, own):
    package(tmp_path / "p", V05)
    old = package(tmp_path / "p", V04, "v0_4.bioimageio.yaml")
    zipped = shutil.make_archive(str(tmp_path / "p"), "zip", tmp_path / "p")
    card = {"inputs": [{"axes": "bcyx", "shape": [1, 1, 8, 8]}], "outputs": [{"axes": "bcyx"}]}
    bare = network(tmp_path / "bare.onnx")
    bare.with_suffix(".yaml").write_text(yaml.safe_dump(card))
    for source, name, files in [
        (zipped, "zipped", ["in.npy", "net.onnx", "out.npy", "rdf.yaml"]),
        (str(old), "old", ["bioimageio.yaml", "in.npy", "net.onnx", "out.npy"]),
        (str(bare), "bare", ["bare.onnx", "bare.yaml"]),
        ("nuclei", "copy", None),
    ]:
        assert own.add(source, name)[0] == name
        assert files is None or inside(tmp_path / "store" / name) == files
    assert "nuclei_int8.onnx" in inside(tmp_path / "store/copy")
    assert not (tmp_path / "store/.unpacked").exists()


def test_many_may_add_at_once(tmp_path, own):
    paths = [package(tmp_path / str(n), changed(V05, "version", str(n))) for n in range(6)]

    def add(path):
        return own.add(str(path), "mine", overwrite=True)[1].name

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(add, paths)) == {"Small Net"}
    assert inside(tmp_path / "store/mine") == ["in.npy", "net.onnx", "out.npy", "rdf.yaml"]
    assert own.names() == ("mine",)


def test_what_is_not_installed_cannot_be_removed(own):
    with pytest.raises(OptionError, match="no model 'x'; the models are: nuclei"):
        own.remove("x")
    with pytest.raises(OptionError, match="nuclei: is built in"):
        own.remove("nuclei")


def test_a_store_that_cannot_be_written_is_told(tmp_path, own):
    (tmp_path / "file").write_text("x")
    path = str(package(tmp_path / "p", V05))
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        Store(tmp_path / "file", own.downloader).add(path)


def test_a_zip_at_a_url_is_added(tmp_path, own, host):
    package(tmp_path / "p", V05)
    shutil.make_archive(str(host.folder / "p"), "zip", tmp_path / "p")
    (host.folder / "p.zip").rename(host.folder / "create-zip-file")
    far = replace(own, downloader=host.downloader)
    assert far.add(f"{host.url}/create-zip-file?silent=1")[0] == "small-net"
    assert inside(tmp_path / "store") == [
        ".lock",
        *(f"small-net/{name}" for name in ("in.npy", "net.onnx", "out.npy", "rdf.yaml")),
    ]


def test_a_description_at_a_url_is_added_with_its_files(tmp_path, own, host):
    far = replace(own, downloader=host.downloader)
    weights = {"onnx": {"source": "w/net.onnx"}, "pytorch_state_dict": {"source": "gone.pt"}}
    package(host.folder / "m", V05)
    (host.folder / "m/w").mkdir()
    (host.folder / "m/net.onnx").rename(host.folder / "m/w/net.onnx")
    package(host.folder / "m", changed(V05, "weights", weights))
    description = far.add(f"{host.url}/m/rdf.yaml")[1]
    assert inside(description.folder) == ["in.npy", "out.npy", "rdf.yaml", "w/net.onnx"]


def test_bare_weights_at_a_url_are_added_with_their_card(own, host):
    card = {"inputs": [{"axes": "bcyx", "shape": [1, 1, 8, 8]}], "outputs": [{"axes": "bcyx"}]}
    network(host.folder / "bare.onnx").with_suffix(".yaml").write_text(yaml.safe_dump(card))
    far = replace(own, downloader=host.downloader)
    assert far.add(f"{host.url}/bare.onnx")[0] == "bare"


def test_urls_are_not_fetched_where_they_are_off(own, host):
    far = replace(own, downloader=host.downloader)
    with pytest.raises(OptionError, match="models are not fetched from URLs here; give a path"):
        far.add(f"{host.url}/p.zip", urls=False)


def test_a_download_with_a_fault_leaves_nothing_behind(tmp_path, own, host, monkeypatch):
    far = replace(own, downloader=host.downloader)
    (host.folder / "page").write_text("<html>")
    package(host.folder, changed(V05, "weights.onnx.source", "../net.onnx"))
    monkeypatch.setattr(store, "settings", replace(settings, model_bytes=2000))
    package(host.folder / "big", V05)
    (host.folder / "big/net.onnx").write_bytes(b"\x08\x09" + b"x" * 1000)
    for path, told in [
        ("page", "page: is no model"),
        ("rdf.yaml", "must be a path from the description's folder"),
        ("big/rdf.yaml", "has more than the .* bytes allowed"),
        ("gone.zip", "is not there .HTTP 404"),
    ]:
        with pytest.raises((ModelError, DownloadError), match=told):
            far.add(f"{host.url}/{path}")
    assert inside(tmp_path / "store") == []
