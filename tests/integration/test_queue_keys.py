"""The table of keys at the top of the scripts says what is in Redis."""

from __future__ import annotations

import re
from importlib.resources import files

import cytomill.jobs
from cytomill.jobs.job import Job
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.jobs.servers import Servers
from cytomill.jobs.task import Outcome

_LINE = re.compile(r"^-- (\{cytomill\}:\S+) +(hash|list|set|stream|string|zset) ", re.MULTILINE)


def _table() -> dict[str, str]:
    """Regular expressions of keys, and what is there; a capital in the table is any text."""
    text = files(cytomill.jobs).joinpath("scripts", "common.lua").read_text()
    any_text = re.compile(r"(?<=:)[JIUQNK](?=:|$)")
    return {any_text.sub("[^:]+", re.escape(key)): kind for key, kind in _LINE.findall(text)}


def test_every_key_is_in_the_table_and_every_line_of_it_is_true(redis_url: str) -> None:
    table = _table()
    seen = set()
    with connect(redis_url) as client:
        queue = Queue(client)

        def look() -> None:
            for key in client.keys("*"):
                (line,) = [line for line in table if re.fullmatch(line, key)]
                assert client.type(key) == table[line], key
                seen.add(line)

        job = queue.submit(Job("j", "anna", "nuclei"), days=1, once="key", digest="d")
        queue.extend(job, 0, 12, last=True)
        failed, fanned, put_off, *_ = queue.take("c", ["nuclei"], 6, idle=True).tasks
        queue.finish(failed, Outcome.FAILED, reason="bad")
        queue.fan(fanned, 2)
        (part,) = queue.take("c", ["nuclei"], 1, idle=True).tasks
        queue.finish(part, Outcome.DONE)
        queue.beat("c", [], {"host": "h"})
        queue.release(put_off, "away", seconds=60)
        Servers(client).beat("n", "host:8001", {})
        look()
        for _ in range(2):
            queue.bury("c", ["nuclei"])
            queue.take("c", ["nuclei"], 9, idle=True)
        queue.bury("c", ["nuclei"])
        look()
        client.zadd("{cytomill}:consumers", {"c": 1, "d": 1})
        queue.take("c", ["nuclei"], 20, idle=False)
        look()
        queue.cancel(job)
        look()
    assert sorted(set(table) - seen) == []
