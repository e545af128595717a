"""Where secrets come from, in order, and how they are kept.

    environment STSYNC_<NAME>  ->  file STSYNC_<NAME>_FILE  ->  systemd credential  ->  OS keyring  ->  encrypted file

The order is the promise of docs/credentials.md. Nothing here prints, and no value ever appears in a
representation, an exception or a log record.
"""

from stsync.credentials.lookup import Credentials, Found, Search, Source, Tried
from stsync.credentials.names import SECRETS, Identity, Secret, secret_named

__all__ = [
    "SECRETS",
    "Credentials",
    "Found",
    "Identity",
    "Search",
    "Secret",
    "Source",
    "Tried",
    "secret_named",
]
