"""The external scaler, called over gRPC as KEDA calls it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cytomill.errors import OptionError
from cytomill.scaling.keda import Wanted
from cytomill.scaling.keda import messages as pb
from cytomill.scaling.keda.serve import Tls, serving
from cytomill.scaling.keda.service import STREAMS
from cytomill.scaling.policy import Wish
from cytomill.scaling.snapshot import Pool, Role
from tests.consumers import wait_for
from tests.keda import PATIENCE, Scaled, Scaler

POOLS = [Pool("consumers", Role.CONSUMER, most=150), Pool("gpu", Role.MODEL_SERVER, most=4)]


class Clock:
    """Time that a test may let pass."""

    later = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.later


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wanted(clock: Clock) -> Wanted:
    return Wanted(POOLS, fresh=PATIENCE, clock=clock)


@pytest.fixture
def channel(wanted: Wanted) -> Iterator[grpc.Channel]:
    with serving(wanted, "127.0.0.1:0") as port, _channel(port) as made:
        yield made


@contextmanager
def _channel(port: int) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as made:
        grpc.channel_ready_future(made).result(PATIENCE)
        yield made


def _tell(wanted: Wanted, consumers: int, gpu: int = 0) -> None:
    wanted.tell({"consumers": Wish(consumers, "some work"), "gpu": Wish(gpu, "some work")})


def _refused(call: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[grpc.StatusCode, str]:
    return call.value.code(), call.value.details()


def test_pools_are_active_while_any_are_wanted(wanted: Wanted, channel: grpc.Channel) -> None:
    consumers, gpu = Scaler(channel, pool="consumers"), Scaler(channel, pool="gpu")
    _tell(wanted, 3)
    assert (consumers.active(), gpu.active()) == (True, False)
    _tell(wanted, 0, 1)
    assert (consumers.active(), gpu.active()) == (False, True)


def test_the_metric_is_what_is_wanted(wanted: Wanted, channel: grpc.Channel) -> None:
    scaler = Scaler(channel, pool="consumers")
    name, target = scaler.spec()  # before anything was decided: KEDA makes the HPA of it
    assert (name, target) == ("s0-cytomill-consumers", 1.0)
    for count in (150, 7, 1, 0):
        _tell(wanted, count)
        assert scaler.metric(name) == count


def test_from_none_to_many_and_back(wanted: Wanted, channel: grpc.Channel) -> None:
    """Within the HPA's tolerance of a tenth it may keep what there is; to none it comes always."""
    scaled = Scaled(Scaler(channel, pool="consumers"), most=150)
    told = [0, 3, 40, 150, 149, 100, 101, 10, 1, 0, 2, 0]
    came = []
    for count in told:
        _tell(wanted, count)
        came.append(scaled.step())
    assert came == [0, 3, 40, 150, 150, 100, 100, 10, 1, 0, 2, 0]


def test_without_tolerance_there_is_exactly_what_is_wanted(
    wanted: Wanted, channel: grpc.Channel
) -> None:
    scaled = Scaled(Scaler(channel, pool="consumers"), most=150, tolerance=0.0)
    for count in (21, 20, 19, 150, 149, 0, 1):
        _tell(wanted, count)
        assert scaled.step() == count


def test_what_is_not_known_ends_no_pod(wanted: Wanted, channel: grpc.Channel, clock: Clock) -> None:
    scaler = Scaler(channel, pool="consumers")
    scaled, falling = Scaled(scaler, most=150), Scaled(scaler, most=150, fallback=5)
    _tell(wanted, 40)
    assert (scaled.step(), falling.step()) == (40, 40)
    clock.later += 2 * PATIENCE
    with pytest.raises(grpc.RpcError) as refused:
        scaler.active()
    code, words = _refused(refused)
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "the autoscaler last decided" in words
    assert "Redis" in words
    for _ in range(5):
        scaled.step()
        falling.step()
    assert (scaled.replicas, falling.replicas) == (40, 5)
    _tell(wanted, 60)
    assert (scaled.step(), falling.step()) == (60, 60)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"pool": "consumer"}, "pool 'consumer': there is no such pool; those here are"),
        ({}, "metadata pool: is missing"),
        ({"pool": "gpu", "threshold": "5"}, "metadata threshold: is not known"),
    ],
)
def test_what_means_nothing_is_refused(
    wanted: Wanted, channel: grpc.Channel, metadata: dict[str, str], words: str
) -> None:
    _tell(wanted, 1)
    scaler = Scaler(channel, **metadata)
    for call in (scaler.active, scaler.spec, lambda: scaler.metric("s0-cytomill-consumers")):
        with pytest.raises(grpc.RpcError) as refused:
            call()
        code, told = _refused(refused)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert words in told
    with scaler.stream() as stream, pytest.raises(grpc.RpcError) as refused:
        next(stream)
    assert _refused(refused)[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_a_metric_of_another_pool_is_refused(wanted: Wanted, channel: grpc.Channel) -> None:
    _tell(wanted, 1)
    with pytest.raises(grpc.RpcError) as refused:
        Scaler(channel, pool="gpu").metric("s0-cytomill-consumers")
    assert _refused(refused) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "metric 'cytomill-consumers': that of pool gpu is cytomill-gpu",
    )


def test_a_stream_tells_changes_alone(wanted: Wanted, channel: grpc.Channel, clock: Clock) -> None:
    scaler = Scaler(channel, pool="consumers")
    with scaler.stream() as stream:
        for count in (0, 0, 0):
            _tell(wanted, count)
        assert next(stream).result is False
        _tell(wanted, 5)
        assert next(stream).result is True
        for count in range(1, 30):
            _tell(wanted, count)
            time.sleep(0.01)
        clock.later += 2 * PATIENCE  # stale: nothing is told, and the stream goes on
        wanted.wait(-1, 0)
        clock.later = 0
        _tell(wanted, 0)
        assert next(stream).result is False


def test_a_stream_that_is_opened_before_any_decision_waits_for_it(
    wanted: Wanted, channel: grpc.Channel
) -> None:
    with Scaler(channel, pool="gpu").stream() as stream:
        _tell(wanted, 0, 1)
        assert next(stream).result is True


def test_streams_that_were_left_make_room(wanted: Wanted, channel: grpc.Channel) -> None:
    _tell(wanted, 1)
    scaler = Scaler(channel, pool="consumers")

    def opened() -> bool:
        with scaler.stream() as stream, suppress(grpc.RpcError):
            return bool(next(stream).result)
        return False

    with ExitStack() as streams:
        for _ in range(STREAMS):
            assert next(streams.enter_context(scaler.stream())).result is True
        with scaler.stream() as stream, pytest.raises(grpc.RpcError) as refused:
            next(stream)
        assert _refused(refused)[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert scaler.active()  # other calls are answered meanwhile
    wait_for(opened, PATIENCE)


def test_health_is_told_as_kubernetes_asks(
    wanted: Wanted, channel: grpc.Channel, clock: Clock
) -> None:
    check = channel.unary_unary(
        f"/{pb.HEALTH}/Check",
        request_serializer=lambda one: one.SerializeToString(),
        response_deserializer=pb.HealthCheckResponse.FromString,
    )

    def status(service: str) -> int:
        return int(check(pb.HealthCheckRequest(service=service), timeout=PATIENCE).status)

    assert (status(""), status(pb.SCALER)) == (pb.SERVING, pb.NOT_SERVING)
    _tell(wanted, 0)
    assert (status(""), status(pb.SCALER)) == (pb.SERVING, pb.SERVING)
    clock.later += 2 * PATIENCE
    assert (status(""), status(pb.SCALER)) == (pb.SERVING, pb.NOT_SERVING)
    with pytest.raises(grpc.RpcError) as refused:
        status("other.Service")
    assert _refused(refused)[0] is grpc.StatusCode.NOT_FOUND


def test_calls_that_are_not_known_are_told_so(wanted: Wanted, channel: grpc.Channel) -> None:
    """KEDA asks for changes of targets in newer versions, and goes without."""
    call = channel.unary_stream(f"/{pb.SCALER}/StreamMetricSpec")
    with pytest.raises(grpc.RpcError) as refused:
        next(call(b""))
    assert _refused(refused)[0] is grpc.StatusCode.UNIMPLEMENTED


def test_the_end_ends_streams_at_once(wanted: Wanted) -> None:
    _tell(wanted, 1)
    with ExitStack() as held:
        with serving(wanted, "127.0.0.1:0") as port:
            channel = held.enter_context(_channel(port))
            stream = held.enter_context(Scaler(channel, pool="consumers").stream())
            assert next(stream).result is True
        with pytest.raises(StopIteration):  # and KEDA comes back in 2 s, as after no error
            next(stream)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("9090", "9090: is no address; write HOST:PORT"),
        ("0.0.0.0:http", "is no address"),
        ("127.0.0.1:99999", "is no address"),
        ("no.such.host.invalid:1", "no such address"),
    ],
)
def test_addresses_that_are_none(wanted: Wanted, address: str, words: str) -> None:
    with pytest.raises(OptionError, match=words), serving(wanted, address):
        pass


def test_an_address_in_use(wanted: Wanted) -> None:
    with (
        serving(wanted, "127.0.0.1:0") as port,
        pytest.raises(OptionError, match=f"--port {port}: cannot listen on 127.0.0.1"),
        serving(wanted, f"127.0.0.1:{port}"),
    ):
        pass


class Authority:
    """Signs certificates for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
        self._count = 0
        made = self._signed("an authority", self._key.public_key(), authority=True)
        self.path = folder / "ca.crt"
        self.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def certificate(self, name: str) -> tuple[Path, Path]:
        """Files of a certificate and its key; made again they are others."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(name, key.public_key())
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def _signed(
        self, name: str, key: ec.EllipticCurvePublicKey, *, authority: bool = False
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        self._count += 1
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(self._count)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _over_tls(port: int, authority: Path, *client: Path) -> grpc.Channel:
    certificate, key = [path.read_bytes() for path in client] or [None, None]
    credentials = grpc.ssl_channel_credentials(authority.read_bytes(), key, certificate)
    return grpc.secure_channel(f"localhost:{port}", credentials)


def test_tls(wanted: Wanted, tmp_path: Path) -> None:
    _tell(wanted, 1)
    authority = Authority(tmp_path)
    tls = Tls(*authority.certificate("server"))
    with serving(wanted, "127.0.0.1:0", tls=tls) as port:
        with _over_tls(port, authority.path) as channel:
            assert Scaler(channel, pool="consumers").active()
        with (
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
            pytest.raises(grpc.RpcError),
        ):
            Scaler(channel, pool="consumers").active()


def test_clients_may_be_asked_for_a_certificate(wanted: Wanted, tmp_path: Path) -> None:
    _tell(wanted, 1)
    authority = Authority(tmp_path)
    tls = Tls(*authority.certificate("server"), authority.path)
    client = authority.certificate("keda")
    with serving(wanted, "127.0.0.1:0", tls=tls) as port:
        with _over_tls(port, authority.path, *client) as channel:
            assert Scaler(channel, pool="consumers").active()
        with _over_tls(port, authority.path) as channel, pytest.raises(grpc.RpcError):
            Scaler(channel, pool="consumers").active()


def test_a_certificate_that_is_replaced_serves_from_then_on(wanted: Wanted, tmp_path: Path) -> None:
    _tell(wanted, 1)
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    used = old.certificate("server")
    with serving(wanted, "127.0.0.1:0", tls=Tls(*used)) as port:
        with _over_tls(port, old.path) as channel:
            assert Scaler(channel, pool="consumers").active()
        used[0].write_text("half written")
        with _over_tls(port, old.path) as channel:
            assert Scaler(channel, pool="consumers").active()
        for path, fresh in zip(used, new.certificate("server"), strict=True):
            path.write_bytes(fresh.read_bytes())
        with _over_tls(port, new.path) as channel:
            assert Scaler(channel, pool="consumers").active()
        with _over_tls(port, old.path) as channel, pytest.raises(grpc.RpcError):
            Scaler(channel, pool="consumers").active()


def test_files_of_tls_that_cannot_be_used(wanted: Wanted, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.certificate("server")
    _, other = authority.certificate("other")
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for tls in (
        Tls(certificate, other),
        Tls(tmp_path / "none.crt", key),
        Tls(broken, key),
        Tls(certificate, key, broken),
    ):
        with (
            pytest.raises(OptionError, match="cannot be used"),
            serving(wanted, "127.0.0.1:0", tls=tls),
        ):
            pass
