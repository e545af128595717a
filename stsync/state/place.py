"""Where the state file lies: a local disk, a network drive, or a folder that something else synchronises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath, PureWindowsPath

# Folder names that the usual synchronising programs give to their folders.
_SYNCHRONISED = ("onedrive", "dropbox", "google drive", "googledrive", "icloud", "nextcloud", "owncloud", "box sync")
_SYNCHRONISED_EXACT = frozenset({"mobile documents", "cloudstorage", "box", "pcloud drive", "syncthing"})
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "davfs", "ncpfs"})
_NETWORK_FUSE = ("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.davfs", "fuse.glusterfs")
MOUNTS = Path("/proc/mounts")


@dataclass(frozen=True)
class Place:
    """What can be told of a folder; `file_system` is empty where the system does not say."""

    synchronised_by: str = ""
    network: str = ""
    file_system: str = ""


def place_of(path: Path, mounts: str | None) -> Place:
    """What can be told of this path; `mounts` is the text of /proc/mounts, None elsewhere than on Linux."""
    share = PureWindowsPath(str(path)).drive
    if share.startswith("\\\\"):
        return Place(network=f"the network share {share}")
    kind = "" if mounts is None else _file_system(path, mounts.splitlines())
    network = f"a {kind} drive" if kind in _NETWORK or kind.startswith(_NETWORK_FUSE) else ""
    return Place(_synchroniser(path), network, kind)


def read_mounts() -> str | None:
    """The mounted file systems, where the system tells."""
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _synchroniser(path: PurePath) -> str:
    for part in path.parts:
        name = part.casefold()
        if name in _SYNCHRONISED_EXACT or name.startswith(_SYNCHRONISED):
            return part
    return ""


def _file_system(path: Path, lines: Iterable[str]) -> str:
    """The file system of the mount that holds the path: the deepest, and of those the latest."""
    best, kind = -1, ""
    for line in lines:
        fields = line.split()
        if len(fields) < 3:
            continue
        # /proc/mounts writes a blank in a name as \040.
        point = Path(fields[1].replace("\\040", " "))
        if len(point.parts) >= best and path.is_relative_to(point):
            best, kind = len(point.parts), fields[2]
    return kind
