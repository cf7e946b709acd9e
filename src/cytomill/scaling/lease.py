"""One autoscaler for an installation: who holds the lease decides, others wait for it.

Key::

    {cytomill}:autoscaler  string  JSON: the `Holder`; dropped when it was not renewed for `SECONDS`
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import redis

from ..jobs.queue import PREFIX
from ..jobs.redis import told

_KEY = f"{PREFIX}autoscaler"

#: Seconds for which a holder that is not heard of keeps the lease: several of its cycles, so that
#: one slow answer of an engine does not have another autoscaler begin.
SECONDS = 15.0

#: Takes the lease, or renews it. KEYS: the lease. ARGV: the holder's id, what is stored, ms, the id
#: of a holder that is known to be dead. Returns what is stored by whoever holds it now.
_TAKE = """
local stored = redis.call('GET', KEYS[1])
local id = stored and cjson.decode(stored).id
if id and id ~= ARGV[1] and id ~= ARGV[4] then return stored end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ARGV[2]
"""

#: Lets go of it. KEYS: the lease. ARGV: the holder's id.
_LEAVE = """
local stored = redis.call('GET', KEYS[1])
if stored and cjson.decode(stored).id == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """An autoscaler; ``since`` is when it started, in seconds since 1970.

    ``space`` tells in which of the host's process tables, as containers have their own, its process
    is number ``process``; empty where that is not known.
    """

    id: str
    host: str
    space: str
    process: int
    since: float

    def __str__(self) -> str:
        """As it is named to operators."""
        begun = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"process {self.process} on {self.host}, since {begun}"


class Lease:
    """The lease in the Redis that ``client`` speaks to, for one autoscaler.

    Its methods raise `QueueAwayError` where Redis does not answer.
    """

    def __init__(self, client: redis.Redis, seconds: float = SECONDS) -> None:
        self.me = Holder(
            secrets.token_hex(8), socket.gethostname(), _space(), os.getpid(), time.time()
        )
        self._client, self._seconds = client, seconds
        self._take, self._leave = client.register_script(_TAKE), client.register_script(_LEAVE)

    def take(self) -> Holder:
        """Take the lease or renew it; returns who holds it, `me` where that worked.

        That of a process of this machine that has ended is taken at once.
        """
        found = self._ask("")
        return self._ask(found.id) if self._is_dead(found) else found

    def leave(self) -> None:
        """Let another take it at once."""
        with told():
            self._leave(keys=[_KEY], args=[self.me.id])

    def _ask(self, dead: str) -> Holder:
        stored = json.dumps(asdict(self.me))
        milliseconds = round(self._seconds * 1000)
        with told():
            found = self._take(keys=[_KEY], args=[self.me.id, stored, milliseconds, dead])
        return Holder(**json.loads(found))

    def _is_dead(self, one: Holder) -> bool:
        """Whether it is known that the process of a holder has ended."""
        if not one.space or (one.host, one.space) != (self.me.host, self.me.space):
            return False
        try:
            os.kill(one.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def _space() -> str:
    """What tells the process table of this process from those of others, on any machine."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    return ""
