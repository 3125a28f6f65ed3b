"""The mounted file systems of Linux: which one a path is on.

Not here: what a file system can do (disks.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

_OCTAL = re.compile(r"\\([0-7]{3})")
_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "davfs")
_OF_A_HOST = ("vboxsf", "virtiofs", "fuse.grpcfuse", "fuse.osxfs", "drvfs")


@dataclass(frozen=True)
class Mount:
    """`kind` is the file system's type: ext4, nfs4, cifs ..."""

    point: str
    kind: str

    @property
    def is_network(self) -> bool:
        """Whether the disk is on another machine."""
        return self.kind.startswith(_NETWORK)

    @property
    def is_of_host(self) -> bool:
        """Whether a virtual machine or Docker Desktop hands on a folder of its host."""
        return self.kind.startswith(_OF_A_HOST)


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """The lines of /proc/self/mounts (fstab(5): device, place, type, options; blanks as \\040)."""
    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) >= 4:
            point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[1])
            found.append(Mount(point, fields[2]))
    return tuple(found)


def mount_of(path: str, mounts: Sequence[Mount]) -> Optional[Mount]:
    """The mount that a real path is in; of several at one place the last one."""
    found: Optional[Mount] = None
    for mount in mounts:
        inside = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if inside and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found
