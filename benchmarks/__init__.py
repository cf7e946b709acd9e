"""Side-by-side measurements: the program, what people use today, and the limit of the machine.

Each module is one measurement, run by ``python -m benchmarks.NAME``; all that it compares is done
in one run on one machine, in turn. It prints a table and writes ``results/NAME.json``, from which
``python -m benchmarks.report`` fills ``docs/benchmarks.md``.
"""

import os

# ONNX Runtime reports to its maker unless told not to before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
