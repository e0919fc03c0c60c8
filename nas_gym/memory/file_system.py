"""Where a file lies: on this machine, or where others may write it, too."""

import re
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/mounts")
"""Where Linux tells what is mounted; elsewhere nothing is known."""
NETWORK = frozenset(
    (
        *(
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "ncpfs",
            "afs",
            "ceph",
            "lustre",
            "gpfs",
            "beegfs",
            "pvfs2",
        ),
        *("panfs", "glusterfs", "gfs2", "ocfs2", "orangefs", "9p", "virtiofs", "vboxsf", "acfs", "wekafs"),
    )
)
"""Types of file systems that several machines may share; so may those in user space, ``fuse.sshfs`` etc."""
LOCAL_LOCKS = frozenset(("nolock", "local_lock=all", "local_lock=posix", "nobrl", "localflock"))
"""Options of these with which a lock is seen on one machine alone."""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What is known of a mounted file system.

    Attributes:
        type: Its type as Linux names it, ``"ext4"``; empty where it is unknown.
        options: With which it is mounted.
    """

    type: str = ""
    options: frozenset[str] = frozenset()

    @property
    def is_shared(self) -> bool:
        """Whether other machines may write to it."""
        return self.type in NETWORK or self.type.startswith("fuse.")

    @property
    def locks_everywhere(self) -> bool:
        """Whether a lock is seen on all of them, as far as the options tell."""
        return not self.options & LOCAL_LOCKS


def file_system_of(path: Path) -> FileSystem:
    """Return the file system that a file is on, or would be."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return FileSystem()
    found, depth = FileSystem(), -1
    place = path.resolve()
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 4:
            continue
        folder = Path(_plain(fields[1]))
        # Of two on one folder the later one hides the earlier.
        if (folder == place or folder in place.parents) and len(folder.parts) >= depth:
            found, depth = FileSystem(fields[2], frozenset(fields[3].split(","))), len(folder.parts)
    return found


def _plain(text: str) -> str:
    """Return a name with the characters that Linux writes in octal, such as blanks."""
    return re.sub(r"\\([0-7]{3})", lambda digits: chr(int(digits[1], 8)), text)
