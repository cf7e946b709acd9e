"""The page in Chromium: what the first look loads and takes, and a job of 100,000 images.

The browser draws without a graphics card, on the processor that the kiosk runs on too. The kiosk is
an API alone: images of the job are ended by this program, at a steady pace while the list is
scrolled.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from cytomill.kiosk import tied
from cytomill.kiosk.backend import Backend
from cytomill.kiosk.built_page import lacking
from cytomill.settings import Settings

from .common import bar, conclude, show, spread
from .common import parser as common_parser
from .page_job import LargeJob
from .process import cytomill
from .queue_contest import address, server
from .server import ports

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

NAME = "page"

#: Compressed bytes of the first look, and milliseconds until one can click.
BYTES, MILLISECONDS = 300_000, 1000

#: Bytes of one answer.
ANSWER = 2**20

#: Images that end in a second while the list is scrolled.
_PACE = 50.0

#: Turns of the mouse's wheel, pixels of each, and seconds between two.
_TURNS, _PIXELS, _REST = 200, 800, 0.03

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu-sandbox",
    "--no-first-run",
    "--disable-background-networking",
)

#: Notes when the way to a new job, which is all there is on an empty page, has been drawn, and the
#: program has nothing else to do than to answer a click.
_NOTES_START = """
window.__usable = new Promise(tell => {
  new MutationObserver((_, watch) => {
    if (!document.querySelector('main a[href="/new"]')) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => tell(performance.now())));
  }).observe(document, {childList: true, subtree: true});
});
"""

#: When something was drawn first.
_PAINTED = """
new Promise(tell => new PerformanceObserver(seen => {
  const [first] = seen.getEntriesByName("first-contentful-paint");
  if (first) tell(first.startTime);
}).observe({type: "paint", buffered: true}))
"""

#: Notes how long each frame is on the screen.
_NOTES_FRAMES = """
window.__frames = [];
let last = performance.now();
const noted = now => {
  window.__frames.push(now - last);
  last = now;
  requestAnimationFrame(noted);
};
requestAnimationFrame(noted);
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--rounds", type=int, default=15, help="first looks")
    made.add_argument("--images", type=int, default=100_000, help="of the large job")
    made.add_argument("--chromium", default=shutil.which("chromium"), help="the browser")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """First looks, then the large job."""
    from playwright.sync_api import sync_playwright

    if lacking():
        sys.exit(f"the page is not built: {lacking()}")
    folder = asked.scratch / NAME
    shutil.rmtree(folder, ignore_errors=True)
    with server(folder / "redis"), sync_playwright() as playwright:
        settings = replace(
            Settings(),
            redis=address(folder / "redis"),
            bucket=str(folder / "bucket"),
            audit=str(folder / "audit.jsonl"),
        )
        with _api(settings) as url:
            browser = playwright.chromium.launch(executable_path=asked.chromium, args=list(_FLAGS))
            looks = [_first(browser, url) for _ in range(asked.rounds)]
            backend = Backend.of(settings)
            large = _large(browser, url, LargeJob(backend, asked.images, "local"))
            backend.redis.close()
            browser.close()
    first = {name: spread([look[name] for look in looks]) for name in looks[0]}
    return {
        "first": first,
        "images": asked.images,
        "large": large,
        "bars": [
            bar("kB of the page's first look", first["bytes"]["max"] / 1000, most=BYTES / 1000),
            bar("ms until one can click", first["usable"]["median"], most=MILLISECONDS),
            bar("largest answer, kB", large["answer"] / 1000, most=ANSWER / 1000),
        ],
    }


@contextmanager
def _api(settings: Settings) -> Iterator[str]:
    """The API in a process of its own; its address."""
    (port,) = ports(1)
    told = {
        f"CYTOMILL_{name.upper()}": getattr(settings, name) for name in ("redis", "bucket", "audit")
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CYTOMILL_")}
    words = cytomill("api", "--port", port, "--no-token")
    process = subprocess.Popen(
        # It must not outlive a benchmark that is killed.
        [sys.executable, "-I", "-S", tied.__file__, str(os.getpid()), *words],
        stdout=subprocess.DEVNULL,
        env={**inherited, **told},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while not _answers(url):
            if time.monotonic() > end or process.poll() is not None:
                sys.exit("the API does not start")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/health/ready").is_success
    except httpx.TransportError:
        return False


def _first(browser: Browser, url: str) -> dict[str, float]:
    """A first look at the page: nothing of it is in the browser yet. Times in milliseconds."""
    context = browser.new_context()
    context.add_init_script(_NOTES_START)
    page = context.new_page()
    loaded: list[Request] = []
    page.on("requestfinished", lambda request: loaded.append(request))
    page.goto(url)
    usable = page.evaluate("window.__usable")
    painted = page.evaluate(_PAINTED)
    files = [one.sizes()["responseBodySize"] for one in loaded if "/api/" not in one.url]
    context.close()
    return {
        "usable": max(usable, painted),
        "painted": painted,
        "bytes": sum(files),
        "requests": len(loaded),
    }


def _large(browser: Browser, url: str, job: LargeJob) -> dict[str, Any]:
    """Scroll through the images of a job while they end. Times in milliseconds."""
    context = browser.new_context()
    page = context.new_page()
    loaded: list[Request] = []
    page.on("requestfinished", lambda request: loaded.append(request))
    page.goto(url)
    page.wait_for_load_state("networkidle")
    job.end(2000)
    with job.going_on(_PACE):
        begun = time.perf_counter()
        page.goto(f"{url}/jobs/{job.id}")
        page.get_by_text("well 000.tif").first.wait_for()
        shown = time.perf_counter() - begun
        frames = _scrolled(page)
    # The last row that is drawn says which of all the images it is.
    passed = page.evaluate(
        "Math.max(...Array.from(document.querySelectorAll('[aria-posinset]'), row =>"
        " Number(row.getAttribute('aria-posinset'))))"
    )
    answers = [one.sizes()["responseBodySize"] for one in loaded if "/api/" in one.url]
    nodes = page.evaluate("document.querySelectorAll('*').length")
    context.close()
    frames.sort()
    return {
        "shown": 1000 * shown,
        "frames": len(frames),
        "median": statistics.median(frames),
        "p99": frames[int(0.99 * len(frames))],
        "longest": frames[-1],
        "passed": passed,
        "answers": len(answers),
        "answer": max(answers),
        "nodes": nodes,
    }


def _scrolled(page: Page) -> list[float]:
    """How long each frame was on the screen while the wheel was turned."""
    page.evaluate(_NOTES_FRAMES)
    page.mouse.move(600, 500)
    for _ in range(_TURNS):
        page.mouse.wheel(0, _PIXELS)
        time.sleep(_REST)
    found: list[float] = page.evaluate("window.__frames")
    return found


def rows(found: dict[str, Any]) -> list[list[str]]:
    """A first look."""
    first = found["first"]
    return [
        ["the first look at an empty kiosk", ""],
        ["ms until something is drawn", show(first["painted"], 0)],
        ["ms until one can click", show(first["usable"], 0)],
        ["kB of the page, compressed", show(first["bytes"]["median"] / 1000, 0)],
        ["requests, those to the API among them", show(first["requests"]["median"], 0)],
    ]


def large_rows(found: dict[str, Any]) -> list[list[str]]:
    """The large job."""
    large = found["large"]
    return [
        [f"a job of {found['images']:,} images, scrolled while they end", ""],
        ["ms from the list of jobs to its images", show(large["shown"], 0)],
        ["images that went by", show(large["passed"], 0)],
        ["ms of a frame, the median", show(large["median"], 1)],
        ["ms of a frame, 99 of 100 are shorter", show(large["p99"], 1)],
        ["ms of the longest frame", show(large["longest"], 1)],
        ["requests meanwhile", show(large["answers"], 0)],
        ["kB of the largest answer", show(large["answer"] / 1000, 1)],
        ["elements of the page at the end", show(large["nodes"], 0)],
    ]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
