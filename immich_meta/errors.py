"""Why a run could not start, or could not go on.

Not here: what is wrong with one file (immich_meta_writers.errors), and one asset the server described badly
(api.models.InvalidAsset): those fail alone and the run goes on.

ImmichMetaError               names the cause and the cure; owns the exit code
|-- UsageError           (2)  the command line makes no sense
|-- SettingsError        (2)  a setting is missing or wrong
|   `-- SameAccountError (2)  two users of a household have keys of one account
|-- PathsError           (2)  the photo directory, or another path that was given, cannot be used
|-- StateBusyError       (2)  another run has the state of this server and user
|-- RunUnderWayError     (2)  the page has a run under way already
|-- WorkersError         (2)  no worker process can be started here
|-- HistoryError         (2)  no run, or no change of a file, of that name is kept
|-- BackupError          (1)  the database could not be backed up
|   `-- MissingProgramError (2)  pg_dump is not there, or cannot be started
|-- LostAssetError       (1)  an asset was seen and is in none of the sums: a fault of this program
`-- ServerError          (3)  the server was not reached, or said no
    |-- UnreachableError      no answer: unknown name, refused, timed out, broken off
    |-- TlsError              the encrypted connection could not be made
    |-- RedirectError         we are sent elsewhere, and the key must not go there
    |-- NotImmichError        something answers, but it is not an Immich
    |-- TooOldError           an Immich from before 1.133
    |-- MaintenanceError      the server is in maintenance
    |-- BusyError             still 429, 502, 503 or 504 after all retries
    |-- WrongKeyError         the key is not known
    |-- MissingPermissionError    the key lacks a permission, which is named
    |-- RefusedError          any other 4xx
    |-- FaultError            the server failed on a request (500)
    `-- BadAnswerError        an answer that makes no sense: cut JSON, a wrong shape, pages in a circle
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SERVER = 3


class ImmichMetaError(Exception):
    """Base of the tree.

    `kind` is stable and meant for machines; `cause` says what happened, `cure` what a person can do about it.
    """

    kind = "error"
    exit_code = EXIT_FAILED
    default_cure = ""

    def __init__(self, cause: str, *, cure: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure or self.default_cure

    def __str__(self) -> str:
        return f"{self.cause} ({self.cure})" if self.cure else self.cause


class UsageError(ImmichMetaError):
    kind = "usage"
    exit_code = EXIT_USAGE


class SettingsError(ImmichMetaError):
    """A setting is missing or wrong. `name` is the variable, when one is to blame."""

    kind = "settings"
    exit_code = EXIT_USAGE

    def __init__(self, cause: str, *, name: str = "", cure: str = "") -> None:
        super().__init__(cause, cure=cure)
        self.name = name


class SameAccountError(SettingsError):
    """The key of one user of a household is of the same account as that of another."""

    kind = "same_account"
    default_cure = "each user makes a key of their own in Immich, under Account Settings > API Keys"

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"the key of {other} is of the same account as that of {one}", name="IMMICH_API_KEYS")


class PathsError(ImmichMetaError):
    """A directory or file that was given cannot be used. `path` is the one meant, when there is one."""

    kind = "paths"
    exit_code = EXIT_USAGE

    def __init__(self, cause: str, *, path: str = "", cure: str = "") -> None:
        super().__init__(cause, cure=cure)
        self.path = path


class StateBusyError(ImmichMetaError):
    """Another run is under way. `path` is the lock; `holder` has pid, host, since (seconds since 1970), command."""

    kind = "state_busy"
    exit_code = EXIT_USAGE
    default_cure = "wait until it has ended, then run this again"

    def __init__(self, cause: str, *, path: str = "", holder: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(cause)
        self.path = path
        self.holder = dict(holder or {})


class RunUnderWayError(ImmichMetaError):
    """The page has a run under way already: `run_id`."""

    kind = "run_under_way"
    exit_code = EXIT_USAGE
    default_cure = "wait until it has ended, or stop it"

    def __init__(self, run_id: str) -> None:
        super().__init__("another run is under way")
        self.run_id = run_id


class WorkersError(ImmichMetaError):
    """The system gives no worker process, or nothing to talk to it with."""

    kind = "workers"
    exit_code = EXIT_USAGE
    default_cure = "--jobs 0 does without; in a container /dev/shm has to be writable, and some processes allowed"


class LostAssetError(ImmichMetaError):
    """An asset was seen and is in none of the sums: a fault of this program, never of the user."""

    kind = "lost_asset"
    default_cure = "no file was harmed; please report this with the log"


class HistoryError(ImmichMetaError):
    """What was asked for is not, or no longer, in the history."""

    kind = "history"
    exit_code = EXIT_USAGE
    default_cure = "immich-meta history shows the runs that are kept"


class BackupError(ImmichMetaError):
    """The database could not be backed up; nothing was left behind, and no older backup was removed."""

    kind = "backup"


class MissingProgramError(BackupError):
    kind = "missing_program"
    exit_code = EXIT_USAGE
    default_cure = (
        "install PostgreSQL's client, e.g. apt install postgresql-client or brew install libpq; Immich also makes "
        "backups itself: Administration > Settings > Backup"
    )


class ServerError(ImmichMetaError):
    """The server was not reached, or said no. `request` is `METHOD /path` without host, query or key."""

    kind = "server"
    exit_code = EXIT_SERVER

    def __init__(
        self, cause: str, *, cure: str = "", request: str = "", status: Optional[int] = None
    ) -> None:
        super().__init__(cause, cure=cure)
        self.request = request
        self.status = status

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.request}: {text}" if self.request else text


class UnreachableError(ServerError):
    kind = "unreachable"
    default_cure = "check IMMICH_INSTANCE_URL, and that the server runs and can be reached from this machine"


class TlsError(ServerError):
    kind = "tls"
    default_cure = (
        "for a private certificate set REQUESTS_CA_BUNDLE to the file of its authority; "
        "a server without TLS needs an http:// address"
    )


class RedirectError(ServerError):
    kind = "redirect"
    default_cure = "set IMMICH_INSTANCE_URL to the address at which Immich itself answers, not a login page"


class NotImmichError(ServerError):
    kind = "not_immich"
    default_cure = (
        "set IMMICH_INSTANCE_URL to the address that opens Immich in a browser, e.g. http://192.168.1.10:2283"
    )


class TooOldError(ServerError):
    kind = "too_old"
    default_cure = "update the Immich server to 1.133 or newer"


class MaintenanceError(ServerError):
    kind = "maintenance"
    default_cure = "end the maintenance mode in Immich's administration, or wait, then run again"


class BusyError(ServerError):
    kind = "busy"
    default_cure = "run again later; IMMICH_RATE_LIMIT=5 asks the server for less per second"


class WrongKeyError(ServerError):
    kind = "wrong_key"
    default_cure = "make a key in Immich under Account Settings > API Keys and set IMMICH_API_KEY to it"


class MissingPermissionError(ServerError):
    """The key lacks a permission. `permission` is Immich's name of it, e.g. `face.read`; "" when not said."""

    kind = "missing_permission"

    def __init__(self, permission: str, *, cause: str = "", request: str = "") -> None:
        named = permission or "a permission that the server does not name"
        super().__init__(
            cause or f"the API key lacks {named}",
            cure=f"add {permission or 'it'} to the key in Immich under Account Settings > API Keys",
            request=request,
            status=403,
        )
        self.permission = permission


class RefusedError(ServerError):
    kind = "refused"


class FaultError(ServerError):
    kind = "fault"
    default_cure = "the server's own log says why; run again later"


class BadAnswerError(ServerError):
    kind = "bad_answer"
    default_cure = "run again; if it stays, a proxy before the server may cut its answers"
