"""All entity sets by name. What is not here is not modelled, and answers as an unknown set does.

Not modelled: pdfDocument, attachments, vendors, purchaseInvoices, pictures, countriesRegions.
`subscriptions` stands beside the companies: web/subscriptions.py.
"""

from __future__ import annotations

from stsync.sandbox.businesscentral.odata.schema import EntitySet
from stsync.sandbox.businesscentral.sets import (
    companies,
    customers,
    dimensions,
    journals,
    receivables,
    reference,
    sales,
)

_SETS: tuple[type[EntitySet], ...] = (
    companies.CompanyInformationSet,
    companies.GeneralLedgerSetups,
    companies.GeneralLedgerEntries,
    customers.Customers,
    receivables.CustomerFinancialDetails,
    receivables.AgedAccountsReceivables,
    sales.SalesInvoices,
    sales.SalesInvoiceLines,
    sales.SalesCreditMemos,
    sales.SalesCreditMemoLines,
    journals.CustomerPaymentJournals,
    journals.CustomerPayments,
    journals.Journals,
    journals.JournalLines,
    dimensions.Dimensions,
    dimensions.DimensionValues,
    dimensions.DimensionSetLines,
    dimensions.DefaultDimensions,
    reference.Accounts,
    reference.Items,
    reference.ItemCategories,
    reference.PaymentTerms,
    reference.PaymentMethods,
    reference.ShipmentMethods,
    reference.UnitsOfMeasure,
    reference.TaxAreas,
    reference.TaxGroups,
    reference.Currencies,
)

SETS: dict[str, EntitySet] = {each.name: each() for each in _SETS}
