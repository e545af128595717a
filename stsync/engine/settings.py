"""From the configuration to the settings each stage decides by."""

from __future__ import annotations

from dataclasses import dataclass

from stsync.config.model import Config
from stsync.core.dimensions import Source
from stsync.core.mapping import Mapping
from stsync.stages import customers, invoices, payment_journals, pricebook, sales_lines


@dataclass(frozen=True)
class Settings:
    """Everything a plan depends on besides records and books."""

    choices: Mapping
    customers: customers.Settings
    invoices: invoices.Settings
    payments: payment_journals.Settings
    pricebook: pricebook.Settings
    transfer_all_customers: bool
    write_back: frozenset[str] = frozenset()


def settings(config: Config, choices: Mapping) -> Settings:
    """The stages' settings; `choices` are the mapping tables with the mapping file merged in."""
    template = config.customers.number
    return Settings(
        choices=choices,
        customers=customers.Settings(
            number=lambda customer_id: template.replace("{id}", customer_id),
            tax_liable=config.customers.tax_liable,
            look_for_alike=config.customers.when_similar == "hold",
        ),
        invoices=_invoices(config),
        payments=payment_journals.Settings(
            go_live=config.go_live,
            status=config.payments.status,
            post=config.payments.post,
            payments_per_posting=config.payments.payments_per_posting,
            unit_dimension=config.dimensions.business_unit if config.dimensions.on_payments else None,
            journals={
                code: payment_journals.JournalChoice(journal.balancing_account, journal.name or "")
                for code, journal in config.payments.journals.items()
            },
            refunds=payment_journals.RefundJournal(config.refunds.journal, config.refunds.name),
            closed_periods=config.posting_dates.closed,
        ),
        pricebook=_pricebook(config),
        transfer_all_customers=config.customers.transfer == "all",
        write_back=frozenset(kind for kind, told in config.write_back if told),
    )


def _invoices(config: Config) -> invoices.Settings:
    tax = config.invoices.tax
    return invoices.Settings(
        go_live=config.go_live,
        status=config.invoices.status,
        post=config.invoices.post,
        closed_periods=config.posting_dates.closed,
        lines=sales_lines.Settings(
            tax_method=tax.method,
            exempt_code=tax.exempt_code,
            taxable_code=tax.taxable_code,
            business_unit_dimension=config.dimensions.business_unit,
            more_dimensions=more_dimensions(config),
        ),
    )


def more_dimensions(config: Config) -> tuple[Source, ...]:
    """The dimensions beside the business unit's, and where their values come from."""
    return tuple(Source(one.dimension.upper(), one.source, one.value or "") for one in config.dimensions.more)


def _pricebook(config: Config) -> pricebook.Settings:
    return pricebook.Settings(
        rules=tuple(
            pricebook.Rule(rule.kind, rule.item_type, rule.category, rule.pricebook_category)
            for rule in config.pricebook.rules
        ),
        fields=frozenset(config.pricebook.fields),
        change_limit=config.pricebook.price_change_limit_percent,
    )
