"""The part of the configuration that says what ServiceTitan is told of the books."""

from __future__ import annotations

from pydantic import Field

from stsync.config.section import Section


class WriteBack(Section):
    """What is marked as exported in ServiceTitan; nothing is unless somebody says so."""

    invoices: bool = Field(
        default=False,
        description="Mark invoices as exported in ServiceTitan once they are posted, with their number in Business "
        "Central. ServiceTitan then locks them against changes.",
    )
    credit_memos: bool = Field(default=False, description="The same for ServiceTitan's own credit memos.")
    payments: bool = Field(default=False, description="Mark payments as exported in ServiceTitan once they are posted.")
