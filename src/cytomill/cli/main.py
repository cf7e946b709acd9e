"""``cytomill``: finds the command and turns errors into one line and an exit code.

Exit codes: 0 all done, 1 some failed, 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import atexit
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from ..errors import CytomillError, Interrupted, OptionError
from ..version import __version__

#: Each command, in the order of the help, with the one line the help shows: a command's module is
#: imported only when it is called, or ``--help`` would take seconds.
COMMANDS = {
    "run": "Run a pipeline over images: labels, tables, pictures.",
    "track": "Follow the cells of label images through time.",
    "evaluate": "Score label images against the truth.",
    "sample": "Make synthetic images with ground truth.",
    "models": "Add, list, show, test, remove and export models.",
    "model-server": "Serve models over gRPC and REST.",
    "submit": "Submit a job to a kiosk: upload, wait, fetch the results.",
    "jobs": "List, show, watch, change, download and delete jobs.",
    "pipelines": "List, show and begin pipelines.",
    "serve": "Run a whole kiosk on this machine.",
    "up": "Run a kiosk whose workers are jobs of a cluster.",
    "down": "Stop such a kiosk.",
    "plan": "Say how long a job will take on a cluster, and what it will cost.",
    "api": "Serve the HTTP API of a kiosk.",
    "consumer": "Take tasks from the queue of a kiosk and do them.",
    "autoscaler": "Have as many consumers run as there is work for.",
    "tokens": "Create, list and revoke tokens of a kiosk.",
    "cluster": "Plan, create and destroy a Kubernetes cluster for a kiosk.",
}


class Commands(click.Group):
    """A group whose commands are imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command object, from ``cytomill.cli.NAME``."""
        if name not in COMMANDS:
            return None
        module = name.replace("-", "_")
        command: click.Command = import_module(f"cytomill.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cytomill")
def cli() -> None:
    """Deep-learning analysis of cell images, from one image to ten million."""


def program() -> NoReturn:
    """Run the command line and end the process."""
    code: object = 0
    try:
        main()
    except SystemExit as error:
        code = error.code
    # Taking apart modules and libraries one by one takes half a second, of a process that ends.
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        code = code or 1
    os._exit(code if isinstance(code, int) else int(code is not None))


def main() -> None:
    """Run the command line; does not return."""
    try:
        cli.main(prog_name="cytomill", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        fail("stopped", 130)
    except Interrupted as error:
        fail(error, 130)
    except OptionError as error:
        fail(error, 2)
    except CytomillError as error:
        fail(error, 1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing is left to say, or to whom
        sys.exit(1)
    except OSError as error:
        fail(f"{error.filename or 'standard output'}: {error.strerror or error}", 1)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        told = " ".join(str(error).split())
        fail(f"a fault of the program ({type(error).__name__} in {where}: {told}); report it", 1)
    sys.exit(0)


def fail(message: object, code: int) -> None:
    """Say what went wrong, in one line, and leave."""
    click.echo(f"cytomill: {message}", err=True)
    sys.exit(code)
