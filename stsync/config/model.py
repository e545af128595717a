"""The configuration as typed values.

The descriptions are what a bookkeeper reads: they become the comments of config.example.yaml and the
hints that an editor shows (JSON Schema). A default that is None means "leave it out".
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from stsync.config.dimensions import Dimensions
from stsync.config.kinds import (
    CalendarDay,
    Code,
    CodeTable,
    CompanyId,
    JournalCode,
    JournalTable,
    NumberTemplate,
    Text,
    Trigger,
    WebAddress,
    digits_only,
    empty_list_for_nothing,
    empty_table_for_nothing,
    refusal,
)
from stsync.config.section import Section
from stsync.config.write_back import WriteBack


class ServiceTitan(Section):
    """Where ServiceTitan is, and which tenant is ours."""

    environment: Literal["production", "integration"] = Field(
        description="Which ServiceTitan: production is the real one, integration is their practice system.",
        examples=["production"],
    )
    tenant_id: Annotated[int, BeforeValidator(digits_only), Field(gt=0)] = Field(
        description="Your tenant number. ServiceTitan shows it under Settings > Integrations > API Application Access.",
        examples=[985798691],
    )
    api_url: WebAddress | None = Field(
        default=None,
        description="Only for a proxy or the sandbox: where ServiceTitan's API is. "
        "Left out, it follows from the environment.",
        examples=["https://api.servicetitan.io"],
    )
    auth_url: WebAddress | None = Field(
        default=None,
        description="Only for a proxy or the sandbox: where ServiceTitan's sign-in is. "
        "Left out, it follows from the environment.",
        examples=["https://auth.servicetitan.io"],
    )
    calls_per_second: Annotated[int, Field(ge=1, le=60)] = Field(
        default=50,
        description="How fast we may ask, in calls a second. ServiceTitan allows 60 for everything you have connected.",
    )


class BusinessCentral(Section):
    """Where Business Central is, and which company holds the books."""

    tenant_id: Text = Field(
        description="Your Microsoft Entra tenant: its id, or its domain such as contoso.onmicrosoft.com.",
        examples=["0f8fad5b-d9cb-469f-a165-70867728950e"],
    )
    environment: Text = Field(
        description="The environment's name as the Business Central admin center shows it.", examples=["Production"]
    )
    environment_type: Literal["production", "sandbox"] | None = Field(
        default=None,
        description="Whether that environment holds the real books (production) or is for practice (sandbox). "
        "Needed when its name says neither Production nor Sandbox.",
        examples=["production"],
    )
    company_id: CompanyId = Field(
        description="The id of the company whose books these are. The command stsync init lists your companies.",
        examples=["7c9e6679-7425-40de-944b-e07fc1f90ae7"],
    )
    company_name: Text | None = Field(
        default=None,
        description="The company's name. If given, stsync stops when the id turns out to belong to another company.",
        examples=["CRONUS USA, Inc."],
    )
    api_url: WebAddress = Field(
        default="https://api.businesscentral.dynamics.com",
        description="Where Business Central's API is; change it only for a proxy, the sandbox or your own server.",
    )
    authority: WebAddress = Field(
        default="https://login.microsoftonline.com",
        description="Where Microsoft's sign-in is; change it only for a national cloud, a proxy or the sandbox.",
    )
    certificate_file: Text | None = Field(
        default=None,
        description="A certificate with its private key (a .pem or .pfx file), used to sign in instead of a client "
        "secret. Its password belongs in stsync auth set, never in this file.",
        examples=["stsync-certificate.pem"],
    )
    use_batch: bool = Field(
        default=True,
        description="Send many small requests to Business Central in one. Switch it off only if a proxy in between "
        "cannot carry them.",
    )
    batch_operations: Annotated[int, Field(ge=1, le=100)] = Field(
        default=100,
        description="How many writes one request may hold at most. Business Central takes 100; 1 sends each on its own.",
    )
    batch_seconds: Annotated[int, Field(ge=1, le=240)] = Field(
        default=10,
        description="How long one request of many writes should take, in seconds: as many go into it as were seen to "
        "fit. Business Central gives up after eight minutes.",
    )
    concurrent_requests: Annotated[int, Field(ge=1, le=5)] = Field(
        default=4,
        description="How many requests may run at the same time, and so how many parts of a run: one posts while the "
        "others prepare what is posted next. Business Central allows 5 for each user; 1 does one thing after the other.",
    )
    requests_per_five_minutes: Annotated[int, Field(ge=100, le=6000)] = Field(
        default=5_800,
        description="How many requests may leave in any five minutes. Business Central allows an application 6,000, for all "
        "of its companies together; runs of one user on one machine share this number.",
    )
    budget_folder: Text | None = Field(
        default=None,
        description="Where runs that log in as the same application count their requests together. Left out, it is a "
        "folder of the user who runs stsync. Keep it on a local disk.",
        examples=["/var/lib/stsync/budget"],
    )


class Customers(Section):
    """How customers are carried over."""

    transfer: Literal["all", "with_documents"] = Field(
        default="all",
        description="Carry over every customer (all), or only those that have an invoice or a payment "
        "(with_documents).",
    )
    number: NumberTemplate = Field(
        default="ST{id}",
        description="The customer's number in Business Central; {id} stands for the number in ServiceTitan. "
        "Capital letters, digits and the signs - . / _ may stand around it.",
    )
    when_similar: Literal["hold", "create"] = Field(
        default="hold",
        description="What to do about a new customer when Business Central has a card of the same name, e-mail or "
        "telephone that belongs to no ServiceTitan customer yet. hold: a person decides, with stsync link. "
        "create: a card is made in any case.",
    )
    tax_liable: bool | None = Field(
        default=None,
        description="Whether new customers are marked as tax liable in Business Central. Leave it out where "
        "there is no sales tax.",
        examples=[False],
    )

    @model_validator(mode="after")
    def _room_for_the_id(self) -> Customers:
        # Business Central cuts nothing: a number over 20 characters is refused (BC facts, section 2.2).
        fixed = len(self.number) - len("{id}")
        if fixed > 10:
            raise refusal(
                f"leaves only {max(20 - fixed, 0)} characters for the ServiceTitan number; "
                "Business Central allows 20 in all, so keep the rest to 10",
                "number",
            )
        return self


class Tax(Section):
    """How ServiceTitan's sales tax reaches the books."""

    method: Literal["line", "business_central"] = Field(
        default="line",
        description="line: ServiceTitan's tax is one line on your sales tax liability account, so the total always "
        "agrees. business_central: Business Central computes the tax, and an invoice is held when the "
        "two differ.",
    )
    exempt_code: Code | None = Field(
        default=None,
        description="The tax group (or VAT product group) in Business Central for lines without tax. With method "
        "line, every line carries it, so that no tax is added twice.",
        examples=["NONTAXABLE"],
    )
    taxable_code: Code | None = Field(
        default=None,
        description="The tax group in Business Central for taxed lines. Needed with method business_central.",
        examples=["TAXABLE"],
    )

    @model_validator(mode="after")
    def _taxed_lines_need_their_group(self) -> Tax:
        if self.method == "business_central" and self.taxable_code is None:
            raise refusal(
                "says that Business Central computes the tax, so taxable_code is needed beside it: "
                "the tax group of taxed lines",
                "method",
            )
        return self


class Invoices(Section):
    """How invoices are carried over."""

    post: bool = Field(
        default=True, description="Post the invoices (yes), or leave them as drafts that a person posts (no)."
    )
    status: Trigger = Field(
        default="Posted",
        description="Take an invoice once ServiceTitan shows it as Posted; some offices work with Pending or Exported.",
    )
    tax: Tax = Field(default=Tax(), description="How ServiceTitan's sales tax reaches the books.")


class CreditMemos(Section):
    """How ServiceTitan's own credit memos are carried over; status, tax and posting are those of invoices."""

    transfer: bool = Field(
        default=True,
        description="Carry ServiceTitan's credit memos as sales credit memos (yes). An office that writes none can leave "
        "them out (no), and needs no permission for them.",
    )


class Journal(Section):
    """A customer payment journal that belongs to stsync alone."""

    balancing_account: Code | None = Field(
        default=None,
        description="The bank's or clearing account's G/L number that takes the money. Left out, the journal's "
        "own balancing account in Business Central counts.",
        examples=["10120"],
    )
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] | None = Field(
        default=None, description="What people see as the journal's name.", examples=["ServiceTitan card payments"]
    )


class Payments(Section):
    """How payments are carried over."""

    post: bool = Field(
        default=True, description="Post the payments (yes), or leave them as journal lines that a person posts (no)."
    )
    status: Trigger = Field(
        default="Posted",
        description="Take a payment once ServiceTitan shows it as Posted; some offices work with Pending or Exported.",
    )
    journals: Annotated[dict[JournalCode, Journal], BeforeValidator(empty_table_for_nothing)] = Field(
        default={},
        description="Customer payment journals that stsync alone uses, one for each bank or clearing account, by "
        "their code (10 characters at most). Posting a journal posts every line in it, so nobody else may work in them. "
        "A journal that is not listed has to exist in Business Central.",
        examples=[{"STCARD": {"balancing_account": "10120", "name": "ServiceTitan card payments"}}],
    )
    payments_per_posting: Annotated[int, Field(ge=1, le=500)] = Field(
        default=100,
        description="How many payments are posted together. Fewer means that one bad payment holds up fewer good ones.",
    )


class PricebookRule(Section):
    """Which items become which kind of pricebook entry; empty conditions match everything."""

    kind: Literal["service", "material", "equipment", "none"] = Field(
        description="What the item becomes in the pricebook; none leaves it out.", examples=["material"]
    )
    item_type: Literal["Inventory", "Service", "Non-Inventory"] | None = Field(
        default=None, description="Only items of this type in Business Central.", examples=["Inventory"]
    )
    category: Code | None = Field(
        default=None, description="Only items with this item category code in Business Central.", examples=["PARTS"]
    )
    pricebook_category: Annotated[int, Field(gt=0)] | None = Field(
        default=None,
        description="The number of the ServiceTitan pricebook category that new entries go into.",
        examples=[4711],
    )

    @model_validator(mode="after")
    def _left_out_means_no_category(self) -> PricebookRule:
        if self.kind == "none" and self.pricebook_category is not None:
            raise refusal("has no meaning here, because kind none leaves the items out", "pricebook_category")
        return self


class Refunds(Section):
    """Money paid back, and payments that came back."""

    journal: JournalCode = Field(
        default="STREFUND",
        description="The general journal for refunds and returned payments, which stsync alone uses; it is made when it "
        "is missing. Posting a journal posts every line in it, so nobody else may work in it.",
    )
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = Field(
        default="ServiceTitan refunds", description="What people see as the journal's name."
    )


class PostingDates(Section):
    """What happens to documents of a closed period."""

    closed: Literal["hold", "first_open_day"] = Field(
        default="hold",
        description="A document dated before the first day that Business Central accepts: hold it for a person, or post "
        "it on the first open day (its document date stays ServiceTitan's, and the document says so). One dated "
        "after the last accepted day is always held.",
    )


class Pricebook(Section):
    """How Business Central's items reach the ServiceTitan pricebook."""

    rules: Annotated[tuple[PricebookRule, ...], BeforeValidator(empty_list_for_nothing)] = Field(
        default=(),
        description="Which items go into the pricebook, and as what. The first rule that fits an item counts; an item "
        "that no rule fits is left out.",
        examples=[[{"kind": "material", "item_type": "Inventory", "category": "PARTS", "pricebook_category": 4711}]],
    )
    fields: tuple[Literal["description", "cost", "price", "active"], ...] = Field(
        default=("description", "cost", "active"),
        description="What stsync keeps up to date in the pricebook: description, cost, price, active.",
    )
    price_change_limit_percent: Annotated[Decimal, Field(ge=0)] = Field(
        default=Decimal(25), description="A cost or price that moves by more than this many percent waits for a person."
    )

    @model_validator(mode="after")
    def _no_rule_behind_a_catch_all(self) -> Pricebook:
        for position, rule in enumerate(self.rules[:-1], start=1):
            if rule.item_type is None and rule.category is None:
                raise refusal(f"rule {position} already fits every item, so the rules after it never count", "rules")
        return self


class MappingTables(Section):
    """What each ServiceTitan name or number is called in Business Central."""

    file: Text | None = Field(
        default=None,
        description="A CSV or Excel file with more lines for the tables below. Its columns are table, servicetitan, "
        "business_central, comment.",
        examples=["mapping.csv"],
    )
    business_units: CodeTable = Field(
        default={},
        description="Business unit (name or number in ServiceTitan) and its value of the dimension above.",
        examples=[{"Drain - West": "DRAIN-W"}],
    )
    accounts: CodeTable = Field(
        default={},
        description="Account on the invoice line (number or name in ServiceTitan) and the G/L account in the books.",
        examples=[{"4000": "40100"}],
    )
    payment_types: JournalTable = Field(
        default={},
        description="Payment type (name or number in ServiceTitan) and the customer payment journal it goes into.",
        examples=[{"Credit Card": "STCARD"}],
    )
    tax_zones: CodeTable = Field(
        default={},
        description="Tax zone (name or number in ServiceTitan) and the sales tax liability account. Used with tax method "
        "line alone; with business_central, the tax area on the customer card decides, and no line is needed here.",
        examples=[{"Maricopa County": "22780"}],
    )
    terms: CodeTable = Field(
        default={},
        description="Payment term (name or number in ServiceTitan) and the payment terms code in Business Central.",
        examples=[{"Net 30": "30D"}],
    )
    items: CodeTable = Field(
        default={},
        description="Pricebook code of a service, material or equipment and the item number in Business Central. "
        "A line whose code is here is posted as that item, not to its account.",
        examples=[{"FILTER-16": "1906-S"}],
    )
    refunds: CodeTable = Field(
        default={},
        description="Payment type of money paid back or returned (name or number in ServiceTitan) and the G/L account "
        "that it leaves. A type without a line here uses the balancing account of the journal it is mapped to above.",
        examples=[{"Refund": "10100"}],
    )
    job_types: CodeTable = Field(
        default={},
        description="Job type in ServiceTitan and its value of the dimension that dimensions.more takes from it. A line for "
        "(none) is for documents without a job.",
        examples=[{"Install": "INSTALL"}],
    )
    locations: CodeTable = Field(
        default={},
        description="Location (name or number in ServiceTitan) and its value of the dimension that dimensions.more takes "
        "from it. Prefer the number: many locations are called alike. A line for (none) is for documents without a location.",
        examples=[{"Main Street 5": "SITE-5"}],
    )
    trades: CodeTable = Field(
        default={},
        description="Trade of a business unit (name or number in ServiceTitan) and its value of the dimension that "
        "dimensions.more takes from it. A line for (none) is for units without a trade.",
        examples=[{"HVAC": "HVAC"}],
    )

    def tables(self) -> dict[str, Mapping[str, str]]:
        """The tables by name, without the file they may have come from."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "file"}


class Listener(Section):
    """How deliveries are verified by `stsync listen`."""

    headers: Annotated[tuple[Text, ...], Field(min_length=1), BeforeValidator(empty_list_for_nothing)] = Field(
        default=("x-servicetitan-signature",),
        description="The headers that may carry ServiceTitan's signature, one of which has to be right.",
    )
    encoding: Literal["either", "hex", "base64"] = Field(
        default="either", description="How the signature is written: hex, base64, or either of them."
    )
    prefix: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] = Field(
        default="", description="What stands before the signature in its header, for example sha256=."
    )
    address: WebAddress | None = Field(
        default=None,
        description="Where the listener can be reached from outside; only for stsync notifications.",
        examples=["https://books.example.com"],
    )


class Limits(Section):
    """Brakes: a run that would do more than this stops before it writes anything."""

    documents_per_run: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="The most documents that one run may write.", examples=[500]
    )
    amount_per_run: Annotated[Decimal, Field(gt=0)] | None = Field(
        default=None, description="The largest amount of money that one run may post.", examples=[250000]
    )
    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        default=5, description="How many times a refused record is tried again before it is put aside."
    )


class Config(Section):
    """One ServiceTitan tenant into one Business Central company."""

    servicetitan: ServiceTitan = Field(description="Where ServiceTitan is, and which tenant is yours.")
    business_central: BusinessCentral = Field(
        description="Where Business Central is, and which company holds the books."
    )
    go_live: CalendarDay = Field(
        description="The first day that stsync keeps: invoices and payments dated before it stay out of the books.",
        examples=["2026-07-01"],
    )
    state: Text | None = Field(
        default=None,
        description="Where stsync remembers what it has done. Left out, it is stsync.db beside this file. "
        "Keep it on a local disk, not on a network drive.",
        examples=["stsync.db"],
    )
    allow_mixed_environments: bool = Field(
        default=False,
        description="Leave this at no. With yes, practice data could go into the real books, or real data into "
        "practice ones.",
    )
    customers: Customers = Field(default=Customers(), description="How customers are carried over.")
    invoices: Invoices = Field(default=Invoices(), description="How invoices are carried over.")
    credit_memos: CreditMemos = Field(
        default=CreditMemos(), description="How ServiceTitan's own credit memos are carried over."
    )
    payments: Payments = Field(default=Payments(), description="How payments are carried over.")
    refunds: Refunds = Field(default=Refunds(), description="How money that was paid back reaches the books.")
    posting_dates: PostingDates = Field(
        default=PostingDates(), description="What happens to documents of a closed period."
    )
    pricebook: Pricebook = Field(
        default=Pricebook(), description="How Business Central's items reach the ServiceTitan pricebook."
    )
    write_back: WriteBack = Field(
        default=WriteBack(), description="What ServiceTitan is told once a document is in the books."
    )
    dimensions: Dimensions = Field(
        default=Dimensions(), description="Which dimension in Business Central carries what."
    )
    mapping: MappingTables = Field(
        default=MappingTables(),
        description="What each thing in ServiceTitan is called in Business Central. Equal numbers and codes need no "
        "line here. What is missing is never guessed: the record is held, and you are told which line to add.",
    )
    listener: Listener = Field(
        default=Listener(), description="How deliveries are verified by stsync listen; only for those who use it."
    )
    limits: Limits = Field(
        default=Limits(), description="Brakes: a run that would do more than this stops before it writes anything."
    )
