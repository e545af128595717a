"""One ServiceTitan tenant: the books, and everything an office does with them.

Not modelled: what `Books` and the desks say they do not.
"""

from __future__ import annotations

from stsync.sandbox.servicetitan.correctiondesk import CorrectionDesk
from stsync.sandbox.servicetitan.people import FrontDesk


class Tenant(CorrectionDesk, FrontDesk):
    """`Tenant(tenant_id, clock=..., switches=...)`: see `Books` for the state, the desks for the actions."""
