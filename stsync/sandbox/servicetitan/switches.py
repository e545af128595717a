"""What can be turned on the simulator: the published numbers as defaults, the unpublished ones as options.

Not modelled: switches per client or per endpoint; scripted misbehaviour of single calls is in `faults`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass
class Switches:
    """Behaviour of one tenant's server; may be changed while it runs.

    Rates are shares of rows between 0 and 1, drawn from `seed`, so that a run can be repeated exactly.
    """

    export_lag: timedelta = timedelta(minutes=15)
    """Facts 2: a change becomes visible to the feeds this much later."""
    export_page_size: int = 500
    """Unpublished, chosen by the server."""
    export_repeat_rate: float = 0.0
    """Share of feed rows that are delivered once more on the following page."""
    export_disorder_rate: float = 0.0
    """Share of feed rows that are held back to the following page; the others of the page are shuffled."""
    export_empty_page_every: int = 0
    """Every n-th page of a feed is empty although more follows; 0 means never."""
    seed: int = 1
    shuffle_lists: bool = False
    """Lists come in an arbitrary (but stable) order where no sort is asked: no order is promised."""
    calls_per_second: int | None = 60
    """Per application and tenant; None lets everything through."""
    retry_after_header: bool = True
    """Whether a 429 carries Retry-After; nobody has proven that it does."""
    invoice_ids_ceiling: int | None = None
    """Facts 1.5: no ceiling is documented on invoices; other lists take 50."""
    invoices_default_active_state: str = "ActiveOnly"
    """Undocumented on invoices."""
    mark_exported_needs_posted: bool = False
    """Whether markasexported refuses a Pending row: unknown."""
    mark_exported_failures: dict[int, str] = field(default_factory=dict)
    """Documents whose row in markasexported fails with this message, while the call answers 200 (trap 3)."""
    mark_exported_ceiling: int | None = None
    """How many rows one markasexported takes: unknown; above it the whole call is refused."""
    merge_moves_documents: bool = False
    """Whether a customer merge rewrites the customer of historic documents: unknown."""
    refuse_unknown: bool = True
    """Refuse query parameters and body fields that the specification does not have. The real server probably
    ignores them; a misspelt filter would go unnoticed in a rehearsal."""
