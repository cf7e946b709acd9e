"""Google's interfaces as its own discovery documents describe them: what a call may be.

The documents come with the package google-api-python-client.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

#: The versions of the interfaces.
VERSIONS = {
    "cloudresourcemanager": "v3",
    "compute": "v1",
    "container": "v1",
    "iam": "v1",
    "serviceusage": "v1",
    "storage": "v1",
}


@dataclass(frozen=True)
class Method:
    """A method of an interface, and the form of its addresses."""

    id: str
    path: re.Pattern[str]
    request: str | None
    response: str | None
    queries: Mapping[str, Any]


class Api:
    """An interface; a call or an answer that it does not describe fails the test."""

    def __init__(self, name: str) -> None:
        folder = files("googleapiclient.discovery_cache").joinpath("documents")
        document = json.loads(folder.joinpath(f"{name}.{VERSIONS[name]}.json").read_text())
        self.schemas = document["schemas"]
        common = document.get("parameters", {})
        # By verb and number of parts: there are a thousand.
        self._methods: dict[tuple[str, int], list[Method]] = defaultdict(list)
        for told in _methods(document):
            form = document["servicePath"] + told.get("flatPath", told["path"])
            self._methods[told["httpMethod"], form.count("/")].append(_method(told, form, common))

    def find(self, verb: str, path: str) -> tuple[Method, tuple[str, ...]]:
        """The method that is called, and the variable parts of its path."""
        for method in self._methods[verb, path.count("/")]:
            if match := method.path.fullmatch(path):
                return method, match.groups()
        raise AssertionError(f"there is no method {verb} {path}")

    def check_query(self, method: Method, query: str) -> dict[str, list[str]]:
        given = parse_qs(query, strict_parsing=True) if query else {}
        unknown = given.keys() - method.queries.keys()
        assert not unknown, f"{method.id}: no parameters {unknown}"
        for name, told in method.queries.items():
            required = told.get("required") and told["location"] == "query"
            assert not required or name in given, f"{method.id}: parameter {name} is missing"
        return given

    def check(self, schema: str | None, value: Any, where: str, *, request: bool) -> None:
        """That a body is of a schema, and that a request sets nothing that Google sets."""
        if schema is None:
            assert value in (None, {}, ""), f"{where}: takes no body"
            return
        assert isinstance(value, dict), f"{where}: no body"
        self._check({"$ref": schema}, value, where, request)

    def _check(self, told: Mapping[str, Any], value: Any, where: str, request: bool) -> None:
        if "$ref" in told:
            told = self.schemas[told["$ref"]]
        kind = told.get("type", "any")
        if kind == "any":
            return
        right = {
            "string": str,
            "boolean": bool,
            "integer": int,
            "number": (int, float),
            "array": list,
            "object": dict,
        }[kind]
        assert isinstance(value, right), f"{where}: {value!r} is no {kind}"
        assert kind != "integer" or not isinstance(value, bool), f"{where}: {value!r} is no integer"
        if "enum" in told:
            assert value in told["enum"], f"{where}: {value!r} is none of {told['enum']}"
        if told.get("format") in ("int64", "uint64") and kind == "string":
            assert value.isdigit(), f"{where}: {value!r} is no number"
        if kind == "array":
            for place, one in enumerate(value):
                self._check(told["items"], one, f"{where}[{place}]", request)
        if kind == "object":
            self._check_object(told, value, where, request)

    def _check_object(
        self, told: Mapping[str, Any], value: Mapping[str, Any], where: str, request: bool
    ) -> None:
        known, others = told.get("properties", {}), told.get("additionalProperties")
        for key, one in value.items():
            inner = known.get(key, others)
            assert inner is not None, f"{where}: there is no {key}"
            assert not (request and inner.get("readOnly")), f"{where}.{key}: is Google's to set"
            self._check(inner, one, f"{where}.{key}", request)


def _methods(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = list(told.get("methods", {}).values())
    for inner in told.get("resources", {}).values():
        found += _methods(inner)
    return found


def _method(told: Mapping[str, Any], form: str, common: Mapping[str, Any]) -> Method:
    parts = re.split(r"\{\+?[^}]+\}", form)
    pattern = r"([^/:]+)".join(re.escape(part) for part in parts)
    queries = {
        name: one for name, one in told.get("parameters", {}).items() if one["location"] == "query"
    }
    return Method(
        told["id"],
        re.compile(pattern),
        told.get("request", {}).get("$ref"),
        told.get("response", {}).get("$ref"),
        {**common, **queries},
    )


@cache
def api(name: str) -> Api:
    """An interface; reading one takes a moment."""
    return Api(name)
