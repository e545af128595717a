"""`python -m stsync`."""

from stsync.cli import main

if __name__ == "__main__":
    main()
