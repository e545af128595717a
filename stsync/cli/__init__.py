"""What a person types. Each command: options in, one call, one rendering, an exit code."""

import gc
import io
import os
import sys
from pathlib import Path


def main() -> None:
    """The console script's entry point."""
    speakable()
    # A run makes millions of plain values and hardly a cycle among them. With Python's own thresholds, looking for cycles took
    # a fifth of a run's processor time (1.4 of 7.2 s for 2,000 documents) and saved no memory.
    gc.set_threshold(100_000, 20, 20)
    # pydantic would look through every installed package for plugins (0.02 s), and let them into our process.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    if "_STSYNC_COMPLETE" in os.environ:
        # A shell asks at every Tab. For those that show a line of help, typer would load rich (0.16 s) to take its markup
        # out of the line; ours has none, and without rich typer leaves the line alone.
        sys.modules["rich"] = None  # type: ignore[assignment]
    from stsync.cli.app import app

    app()


def speakable() -> None:
    """Nothing that is printed may stop a command: a file of the Task Scheduler is in Windows-1252, which lacks most
    of the world's names and the arrows, and a service may have no output at all."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if sys.stdin is None:
        # A service may have no input either: then nobody is asked.
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - open as long as the process
