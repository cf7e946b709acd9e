"""Server-sent events, as the HTML standard has them."""

from __future__ import annotations

import asyncio

import pytest

from cytomill.client.events import Event, events


def parsed(text):
    async def lines():
        for line in text.split("\n"):
            yield line

    async def gathered():
        return [event async for event in events(lines())]

    return asyncio.run(gathered())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("event: job\nid: 1-0\ndata: {}\n\n", [Event("job", "{}", "1-0")]),
        ("data: a\ndata:b\n\n", [Event("message", "a\nb")]),
        ("id: 7\n\n: open\n\ndata: x\n\ndata: y\n\n", [Event("message", c, "7") for c in "xy"]),
        ("retry: 2000\n\nevent: job\n\ndata\n\n", [Event("message", "")]),
        ("data: never ended", []),
    ],
)
def test_events_are_parsed(text, found):
    assert parsed(text) == found
