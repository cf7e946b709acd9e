from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cytomill.ops.synthesise import Scene, nuclei
from training.nuclei.data import example

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from training.nuclei.export import write_onnx  # noqa: E402
from training.nuclei.network import NucleiNet  # noqa: E402
from training.nuclei.train import Budget, fit  # noqa: E402


def made() -> NucleiNet:
    """A small network that has seen a few images, so that no average is what it began with."""
    torch.manual_seed(0)
    network = NucleiNet((16, 16, 32)).train()
    for _ in range(3):
        network(torch.rand(2, 1, 32, 32))
    return network.eval()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_onnx_file_gives_what_the_network_gives(tmp_path: Path) -> None:
    network = made()
    write_onnx(network, tmp_path / "net.onnx")
    images = torch.rand(1, 1, 32, 48)
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    (found,) = session.run(None, {"image": images.numpy()})
    with torch.no_grad():
        wanted = 255 * network(images, probabilities=True).numpy()
    assert found.dtype == np.uint8
    assert found.shape == (1, 3, 32, 48)
    assert np.abs(found - wanted).max() <= 0.51


def test_a_fit_goes_on_where_it_was_left(tmp_path: Path) -> None:
    field = example("field", *nuclei(Scene(shape=(96, 96), diameter=18), seed=3))

    def fitted(out: Path, steps: int) -> dict[str, object]:
        out.mkdir(exist_ok=True)
        fit([field], out, Budget(steps, 60.0, batch=1, size=32), "cpu", seed=1, workers=0)
        return torch.load(out / "checkpoint.pt", weights_only=True)

    left = fitted(tmp_path / "one", 2)
    assert fitted(tmp_path / "one", 3)["step"] == 3
    # The same seed gives the same weights.
    again = fitted(tmp_path / "two", 2)
    assert again["step"] == 2
    for name, value in left["model"].items():
        torch.testing.assert_close(again["model"][name], value)
