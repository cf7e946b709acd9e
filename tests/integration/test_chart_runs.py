"""The chart's pods, run: commands, variables, files and probes, as processes of this machine."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.charts import containers, least, named, of_kind, pod
from tests.conftest import missing
from tests.redis_server import program
from tests.unit.chart.test_chart_monitoring import asked, expressions

PATIENCE = 60
SECRETS = {
    "queue": {"password": "a.Long_password~1"},
    "administrator": {"token": f"cm_{43 * 'a'}"},
    "metrics": {"token": f"cm_{43 * 'm'}"},
}
VALUES = {
    "api": {"lingerSeconds": 1},
    "modelServer": {"max": 1},
    "monitoring": {"enabled": True, "token": {"secret": "metrics"}},
}


@dataclass
class Cluster:
    """Where the pods are: a folder in the place of their volumes, ports in that of theirs."""

    folder: Path
    manifests: list[dict]
    ports: dict[str, int] = field(default_factory=dict)

    def port(self, name: str) -> int:
        """A port of this machine for a port of a part: no two parts have the same here."""
        if name not in self.ports:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.ports[name] = free.getsockname()[1]
        return self.ports[name]

    def here(self, part: str, text: str) -> str:
        """``text`` of a pod with the paths and addresses of this machine."""
        for service, number in (("redis", 6379), ("models", 8500)):
            text = text.replace(
                f"mill-{service}:{number}", f"127.0.0.1:{self.port(f'{service} {number}')}"
            )
        text = re.sub(r"(?<=:)8500$", str(self.port("models 8500")), text)
        text = re.sub(
            r"((?:-port=|-p |^port )|^)(\d{4})(?=$|\s)",
            lambda found: found[1] + str(self.port(f"{part} {found[2]}")),
            text,
            flags=re.MULTILINE,
        )
        for path in ("/etc/cytomill", "/data", "/tmp/password.conf"):
            text = re.sub(rf"(?<![\w/]){path}", f"{self.folder}/{part}{path}", text)
        return text

    def begin(self, kind: str, name: str, stack: ExitStack) -> Part:
        """Start the pod of a workload; it is killed when the test ends."""
        part = name.removeprefix("mill-")
        (container,) = containers(named(self.manifests, kind, name))
        self.write(part, kind, name)
        environment = self.environment(part, container)

        def expanded(word: str) -> str:
            return re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], word)

        words = [
            self.here(part, expanded(x))
            for x in (*container["command"], *container.get("args", ()))
        ]
        if words[0] == "cytomill":
            words[0] = str(Path(sys.executable).parent / "cytomill")
        log = stack.enter_context((self.folder / f"{part}.log").open("w+"))
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, cwd=self.folder)
        stack.callback(process.wait, PATIENCE)
        stack.callback(process.kill)
        return Part(self, part, process, container, named(self.manifests, kind, name), environment)

    def write(self, part: str, kind: str, name: str) -> None:
        """The files of its volumes."""
        for volume in pod(named(self.manifests, kind, name))["spec"]["volumes"]:
            if "configMap" in volume:
                told = named(self.manifests, "ConfigMap", volume["configMap"]["name"])["data"]
                folder = self.folder / part / "etc/cytomill"
                folder.mkdir(parents=True)
                for file, text in told.items():
                    (folder / file).write_text(self.here(part, text))
        (self.folder / part / "tmp").mkdir(parents=True, exist_ok=True)
        (self.folder / part / "data").mkdir(exist_ok=True)
        shared = self.folder / "bucket"
        shared.mkdir(exist_ok=True)
        (self.folder / part / "data/bucket").symlink_to(shared)

    def environment(self, part: str, container: dict) -> dict[str, str]:
        """What Kubernetes would set, and where this machine has its programs."""
        path = f"{Path(program()).parent}:/usr/local/bin:/usr/bin:/bin"
        made = {"PATH": path, "TMPDIR": str(self.folder / part / "tmp")}
        for source in container.get("envFrom", ()):
            made |= named(self.manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
        for one in container["env"]:
            value = one.get("value", "")
            if secret := one.get("valueFrom", {}).get("secretKeyRef"):
                value = SECRETS[secret["name"]][secret["key"]]
            elif field := one.get("valueFrom", {}).get("fieldRef"):
                fields = {"metadata.name": f"mill-{part}-0", "status.podIP": "127.0.0.1"}
                value = fields[field["fieldPath"]]
            made[one["name"]] = re.sub(r"\$\((\w+)\)", lambda found: made[found[1]], value)
        return {name: self.here(part, value) for name, value in made.items()}


@dataclass
class Part:
    cluster: Cluster
    name: str
    process: subprocess.Popen
    container: dict
    workload: dict
    variables: dict[str, str]

    def log(self) -> str:
        return (self.cluster.folder / f"{self.name}.log").read_text()

    def probe(self, name: str) -> bool:
        """What Kubernetes would find."""
        probe = self.container[name]
        if "exec" in probe:
            words = [self.cluster.here(self.name, word) for word in probe["exec"]["command"]]
            return subprocess.run(words, env=self.variables, capture_output=True).returncode == 0
        found = {one["name"]: one["containerPort"] for one in self.container["ports"]}
        port = self.cluster.port(f"{self.name} {found[probe['httpGet']['port']]}")
        try:
            url = f"http://127.0.0.1:{port}{probe['httpGet']['path']}"
            with urlopen(url, timeout=10) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False

    def until(self, name: str) -> Part:
        end = time.monotonic() + PATIENCE
        while not self.probe(name):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.1)
        return self

    def metrics(self) -> set[str]:
        """Names of the metrics that Prometheus would find, by the monitor that leads it there."""
        labels = pod(self.workload)["metadata"]["labels"]
        (monitor,) = (
            one
            for one in of_kind(self.cluster.manifests, "PodMonitor", "ServiceMonitor")
            if one["spec"]["selector"]["matchLabels"].items() <= labels.items()
        )
        (endpoint,) = monitor["spec"].get("podMetricsEndpoints") or monitor["spec"]["endpoints"]
        found = {one["name"]: one["containerPort"] for one in self.container["ports"]}
        port = self.cluster.port(f"{self.name} {found[endpoint['port']]}")
        request = Request(f"http://127.0.0.1:{port}{endpoint['path']}")
        if "authorization" in endpoint:
            secret = endpoint["authorization"]["credentials"]
            token = SECRETS[secret["name"]][secret["key"]]
            request.add_header("Authorization", f"Bearer {token}")
        with urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read().decode()
        return set(re.findall(r"^(?:# TYPE )?([a-z_]+)", text, re.MULTILINE))

    def end(self) -> float:
        """Tell it to end, as Kubernetes does; seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log()
        return time.monotonic() - begun


def asked_in_vain(metrics: dict[str, set[str]]) -> set[tuple[str, str]]:
    """What the dashboard and the alerts ask for of parts that do not have it."""
    parts = {name.split("-")[0]: found for name, found in metrics.items()}
    questions = {one for _, expression in expressions() for one in asked(expression)}
    assert len(questions) > 30
    return {
        (part, name)
        for name, part in questions
        if part and name != "up" and name not in parts[part]
    }


@pytest.fixture
def cluster(tmp_path):
    if program() is None:
        missing("there is no Redis server")
    return Cluster(tmp_path, least(VALUES))


def test_what_the_chart_starts_does_a_job_and_ends_in_time(cluster, tmp_path):
    with ExitStack() as stack:
        redis = cluster.begin("StatefulSet", "mill-redis", stack).until("readinessProbe")
        assert redis.probe("livenessProbe")
        names = [one["metadata"]["name"] for one in of_kind(cluster.manifests, "Deployment")]
        parts = [cluster.begin("Deployment", name, stack) for name in sorted(names)]
        for part in parts:
            part.until("startupProbe").until("readinessProbe")
        assert {part.name for part in parts} == {"api", "autoscaler", "consumer-main", "models"}

        def call(*words):
            return subprocess.run(
                [str(Path(sys.executable).parent / "cytomill"), *words],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )

        assert (
            call(
                "sample", "-n", "2", "--size", "128x128", "-o", str(tmp_path / "made"), "-q"
            ).returncode
            == 0
        )
        server = f"http://127.0.0.1:{cluster.port('api 8080')}"
        words = ["--server", server, "--token", SECRETS["administrator"]["token"]]
        done = call(
            "submit",
            str(tmp_path / "made/images"),
            *words,
            "--wait",
            "-o",
            str(tmp_path / "results"),
        )
        assert done.returncode == 0, (done.stdout + done.stderr, *(part.log() for part in parts))
        assert len(list((tmp_path / "results").rglob("*_labels.tif"))) == 2
        assert not asked_in_vain({part.name: part.metrics() for part in parts})
        for part in sorted(parts, key=lambda one: one.name != "api"):
            grace = pod(part.workload)["spec"]["terminationGracePeriodSeconds"]
            assert part.end() < grace, part.log()
        assert redis.end() < 60


@pytest.mark.parametrize("password", ["", "with space", "a@b", 'quo"te', "new\nline"])
def test_redis_refuses_a_password_that_is_no_part_of_an_address(cluster, password, monkeypatch):
    monkeypatch.setitem(SECRETS["queue"], "password", password)
    with ExitStack() as stack:
        redis = cluster.begin("StatefulSet", "mill-redis", stack)
        assert redis.process.wait(PATIENCE) == 1
        assert "must have letters, digits" in redis.log()


def test_redis_lets_nobody_in_without_the_password_and_keeps_what_it_has(cluster):
    client = shutil.which("redis-cli", path=f"{Path(program()).parent}:/usr/bin")
    if client is None:
        missing("redis-cli is not installed")

    def ask(*words, **more):
        words = [client, "-p", str(cluster.port("redis 6379")), *words]
        return subprocess.run(
            words, capture_output=True, text=True, timeout=PATIENCE, **more
        ).stdout

    password = {"env": {"REDISCLI_AUTH": SECRETS["queue"]["password"]}}
    with ExitStack() as stack:
        redis = cluster.begin("StatefulSet", "mill-redis", stack).until("readinessProbe")
        assert "NOAUTH" in ask("GET", "kept")
        assert ask("SET", "kept", "yes", **password) == "OK\n"
        assert "noeviction" in ask("CONFIG", "GET", "maxmemory-policy", **password)
        assert str(1024 * 2**20) in ask("CONFIG", "GET", "maxmemory", **password)
        assert (
            SECRETS["queue"]["password"]
            not in Path(f"/proc/{redis.process.pid}/cmdline").read_text()
        )
        redis.end()
        shutil.rmtree(cluster.folder / "redis/etc")
        (cluster.folder / "redis/data/bucket").unlink()
        cluster.begin("StatefulSet", "mill-redis", stack).until("readinessProbe")
        assert ask("GET", "kept", **password) == "yes\n"
