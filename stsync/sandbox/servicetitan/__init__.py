"""The ServiceTitan simulator: `Tenant` is the office and its books, `app` the API in front of them.

Built to `servicetitan.md` and the official specification; the table test walks its 40 traps by number.

Not modelled: webhooks, reporting, journal entries, deposits, AP bills, jobs, estimates, memberships as objects,
creating documents through the API (adjustments, payments), custom fields' definitions.
"""

from stsync.sandbox.servicetitan.office import Line
from stsync.sandbox.servicetitan.server import app
from stsync.sandbox.servicetitan.switches import Switches
from stsync.sandbox.servicetitan.tenant import Tenant

__all__ = ["Line", "Switches", "Tenant", "app"]
