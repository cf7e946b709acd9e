"""How much memory there is, and how much a worker takes."""

from __future__ import annotations

from pathlib import Path

#: Part of the memory of this machine, or of its control group, that models may take by default:
#: the rest is for requests that wait, and for other programs.
_SHARE = 0.75


def available() -> int:
    """Bytes that models may take together where the operator does not say."""
    limits = [_meminfo("MemTotal")]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text.isdigit():  # else "max": no limit
            limits.append(int(text))
    return int(min(limits) * _SHARE)


def of(pid: int) -> int:
    """Bytes of process ``pid`` at the height of its work so far; 0 where it is gone.

    Its own pages and its share of those of libraries, plus what it gave back since it had most:
    the next request may take that again. Memory shared with the server is not among them.
    """
    try:
        rollup = _fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
        peak = _fields(Path(f"/proc/{pid}/status").read_text())["VmHWM"]
    except (OSError, KeyError):
        return 0
    own = rollup.get("Pss_Anon", rollup["Pss"]) + rollup.get("Pss_File", 0)
    return own + max(0, peak - rollup["Rss"])


def readable(size: int) -> str:
    """Bytes as messages have them."""
    return f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def _meminfo(name: str) -> int:
    return _fields(Path("/proc/meminfo").read_text())[name]


def _fields(text: str) -> dict[str, int]:
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        value = rest.split()
        if len(value) == 2 and value[1] == "kB":
            found[name] = int(value[0]) * 1024
    return found
