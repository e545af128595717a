"""Setting up and looking over: what `stsync init` asks and writes, and what `stsync doctor` looks at.

Nothing here prints; the commands in `cli` do. Doctor's checks only read, in both systems and on this machine.
"""
