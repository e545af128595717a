"""What a person types. Each command: options in, one call, one rendering, an exit code."""


def main() -> None:
    """The console script's entry point."""
    from stsync.cli.app import app

    app()
