"""The audit log."""

from __future__ import annotations

import json
import os
import stat
import threading

import pytest

from cytomill.errors import OptionError
from cytomill.kiosk.audit import Audit


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_has_what_is_known(tmp_path):
    path = tmp_path / "logs" / "audit.jsonl"
    Audit(str(path)).write(user="ann", address=None, method="POST", status=201, job="")
    (line,) = lines(path)
    assert line.pop("time").endswith("+00:00")
    assert line == {"user": "ann", "method": "POST", "status": 201}


def test_nobody_else_may_read_it(tmp_path):
    path = tmp_path / "audit.jsonl"
    Audit(str(path)).write(status=200)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_may_be_renamed_at_any_time(tmp_path):
    path, old = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    audit = Audit(str(path))
    audit.write(status=1)
    path.rename(old)
    audit.write(status=2)
    assert [line["status"] for line in lines(old) + lines(path)] == [1, 2]


def test_what_a_stranger_sends_is_one_short_line(tmp_path):
    path = tmp_path / "audit.jsonl"
    Audit(str(path)).write(route="a\n{}\u2028" + "x" * 10_000)
    (text,) = path.read_text().splitlines()
    assert len(text) < 400
    assert text.isascii()


def test_lines_of_several_at_once_are_whole(tmp_path):
    path = tmp_path / "audit.jsonl"
    logs = [Audit(str(path)) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda log=log: [log.write(user="u" * 150) for _ in range(50)])
        for log in logs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(path)) == 200


def test_without_a_file_it_is_standard_error(capsys):
    Audit().write(user="ann", status=401)
    assert json.loads(capsys.readouterr().err)["user"] == "ann"


def test_a_line_that_cannot_be_written_is_not_lost(tmp_path, capsys):
    path = tmp_path / "folder" / "audit.jsonl"
    audit = Audit(str(path))
    path.unlink()
    path.parent.rmdir()
    audit.write(user="ann")
    assert '"user": "ann"' in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "file/audit.jsonl"])
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path, name):
    (tmp_path / "file").write_text("")
    path = os.fspath(tmp_path / name)
    with pytest.raises(OptionError, match="CYTOMILL_AUDIT"):
        Audit(path)
