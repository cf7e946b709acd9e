"""A model on a server that speaks the Open Inference Protocol v2 over gRPC: ours, or Triton."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2 as pb

from ..errors import ModelError
from ..models.description import Description
from ..models.library import built_in, find_folder
from ..models.package import read
from ..models.registry import find
from ..models.weights import Weights
from .channel import Channel, NotServedError, channel
from .pixels import INPUTS, OUTPUTS, SUFFIX, Pixels
from .runtime import Models, Port, Runtime, Tensors
from .server.codec import datatype, to_raw
from .server.request import ServerError
from .server.wire import read_response, write_request
from .stop import Stop

#: Stands for the name of weights, and for a device, of which a server does not tell.
_UNTOLD = "remote"

_KINDS = ("?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")
_DTYPES = {datatype(dtype): dtype for dtype in map(np.dtype, _KINDS)}


class Remote(Runtime):
    """The model ``name`` of the server at the end of ``channel``.

    ``inputs`` and ``outputs`` are given where more is known of them than the protocol can say.
    Calls are not repeated once ``stopping`` is set. Raises `NotServedError` where the server has
    no such model, and what `Channel.ask` does.
    """

    def __init__(
        self,
        channel: Channel,
        name: str,
        *,
        inputs: tuple[Port, ...] | None = None,
        outputs: tuple[Port, ...] | None = None,
        stopping: Event | None = None,
    ) -> None:
        self.name = name
        self._channel, self._stopping = channel, stopping
        request = pb.ModelMetadataRequest(name=name)
        told = pb.ModelMetadataResponse.FromString(self._ask("ModelMetadata", request))
        self.inputs = inputs or tuple(map(self._port, told.inputs))
        self.outputs = outputs or tuple(map(self._port, told.outputs))
        known = self._parameters()
        self.device = f"{known.get('device', _UNTOLD)} at {channel.url}"
        self.weights = Weights(Path(known.get("weights", _UNTOLD)), known.get("sha256"))

    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """See `Runtime.infer`; raises `TemporaryError` too, where the server has no time."""
        wanted = self.checked(tensors, outputs)
        head, raw = pb.ModelInferRequest(model_name=self.name), []
        for name, array in tensors.items():
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            head.inputs.add(name=name, datatype=datatype(array.dtype), shape=array.shape)
            raw.append(to_raw(array))
        for name in wanted:
            head.outputs.add(name=name)
        message = write_request(head, raw)
        answer = self._channel.ask(
            "ModelInfer", message, model=self.name, stop=stop, stopping=self._stopping
        )
        found = self._read(answer)
        if lacking := [name for name in wanted if name not in found]:
            raise self._fault(f"its answer lacks {', '.join(lacking)}")
        return {name: found[name] for name in wanted}

    def _read(self, answer: bytes) -> dict[str, NDArray[np.generic]]:
        """The outputs in an answer."""
        try:
            told, raw = read_response(answer)
        except ServerError as error:
            raise self._fault(str(error)) from error
        if len(raw) != len(told.outputs):
            raise self._fault("its answer has outputs that are not raw")
        found = {}
        for one, data in zip(told.outputs, raw, strict=True):
            try:
                array: NDArray[Any] = np.frombuffer(data, self._dtype(one)).reshape(one.shape)
            except ValueError as error:
                raise self._fault(f"its output {one.name!r} is not of its own shape") from error
            found[one.name] = array.copy()  # `answer` cannot be written to
        return found

    def _parameters(self) -> dict[str, str]:
        """What the server says of how it runs the model; nothing where it does not tell."""
        request = pb.ModelConfigRequest(name=self.name)
        try:
            answer = self._ask("ModelConfig", request)
        except ModelError:  # an extension of the protocol, which not every server has
            return {}
        told = pb.ModelConfigResponse.FromString(answer).config.parameters
        return {name: value.string_value for name, value in told.items() if value.string_value}

    def _ask(self, method: str, request: Any) -> bytes:
        message: bytes = request.SerializeToString()
        return self._channel.ask(method, message, model=self.name, stopping=self._stopping)

    def _port(self, told: Any) -> Port:
        return Port(told.name, self._dtype(told), tuple(told.shape))

    def _dtype(self, told: Any) -> np.dtype[np.generic]:
        if told.datatype not in _DTYPES:
            raise self._fault(f"{told.name!r} is of data type {told.datatype}, which no image is")
        return _DTYPES[told.datatype]

    def _fault(self, fault: str) -> ModelError:
        return ModelError(f"{self._channel.url}: {self.name}: {fault}")


def models(url: str) -> Models:
    """The models of one run, on the server at ``url``, ``grpc://HOST:PORT``.

    They are asked for by name, or by what `cytomill.models.package.read` takes: the server must
    have that model, too, under the name of its folder or file. The view of raw pixels runs there
    where the server has it, and here around the network where it has but that, as Triton does.
    Raises `OptionError` for what is no such address.
    """
    return models_of(channel(url))


def models_of(way: Channel) -> Models:
    """The models of the server at the end of ``way``, see `models`."""

    def load(name: str) -> Runtime:
        base = name.removesuffix(SUFFIX)
        if base not in built_in():
            description = read(name)
            found: Runtime = Remote(way, served_name(name, description), stopping=made.stopping)
            return _same(found, description.weights)
        model = find(base)
        if base == name:
            found = Remote(way, name, stopping=made.stopping)
        else:
            try:
                found = Remote(way, name, inputs=INPUTS, outputs=OUTPUTS, stopping=made.stopping)
            except NotServedError:
                found = Pixels(model, made[base])
        return _same(found, [one for one in (model.weights, model.int8) if one])

    def _same(found: Runtime, weights: Sequence[Weights]) -> Runtime:
        """``found``, unless its weights are others: thresholds and processing belong to weights."""
        told, own = found.weights.sha256, {one.sha256 for one in weights}
        if told is None or None in own or told in own:
            return found
        raise ModelError(
            f"{way.url}: {found.name}: has other weights than the model here; install the same on "
            "both"
        )

    made = Models(load)
    return made


def served_name(source: str, description: Description) -> str:
    """What a server calls the model ``source``, which ``description`` describes.

    The name of an installed model, of a package's folder or zip, or of a file of weights.
    """
    if find_folder(source) is not None:
        return source
    path = Path(source)
    alone = path.suffix in (".zip", ".onnx", ".pt", ".torchscript") and not path.is_dir()
    return path.stem if alone else description.folder.name
