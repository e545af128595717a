"""A simulator of Business Central's API v2.0 for the sandbox: state one can read, rules, and an `App`.

    environment = Environment()
    company = environment.create_company("CRONUS")
    serve(app(environment, authorise=lambda token: token))

Tests read the books directly (`company.gl_entries`, `company.customer_ledger`, `company.invoices`).
Not modelled: vendors and purchases, attachments and PDFs, `$metadata`, permission sets, several
currencies with rates, custom APIs. Each module says what else it leaves out.
"""

from stsync.sandbox.businesscentral.accountant import Accountant, HandLine
from stsync.sandbox.businesscentral.core.company import CASH_RECEIPT_TEMPLATE, GENERAL_TEMPLATE, Company
from stsync.sandbox.businesscentral.core.settings import CompanySettings, Switches
from stsync.sandbox.businesscentral.environment import DEFAULT_TENANT, Environment
from stsync.sandbox.businesscentral.web.service import Service, app

__all__ = [
    "CASH_RECEIPT_TEMPLATE",
    "DEFAULT_TENANT",
    "GENERAL_TEMPLATE",
    "Accountant",
    "Company",
    "CompanySettings",
    "Environment",
    "HandLine",
    "Service",
    "Switches",
    "app",
]
