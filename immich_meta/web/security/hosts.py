"""Names under which the page may be asked for.

Not here: who may log in (door.py).

A page of another site can give its own name the address 127.0.0.1 (DNS rebinding) and would then be let in by the
browser as the same site: a page that is served to this machine only answers to this machine's names only.
"""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether an address, or the name localhost, is this machine itself and nothing else."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The host of a Host header, without its port: `127.0.0.1:5000`, `[::1]:5000`, `localhost`."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.rpartition(":")[0] if ":" in header else header
