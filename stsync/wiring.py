"""From a configuration file to the two clients: the one place where the outside world is put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stsync.core.mapping import Mapping

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral
    from stsync.businesscentral.published import Note
    from stsync.config.model import Config
    from stsync.credentials import Credentials
    from stsync.credentials.token_transport import TokenTransport
    from stsync.http.exchanges import OnExchange
    from stsync.servicetitan.client import ServiceTitan
    from stsync.state import Pin
    from stsync.state.budget import SharedBudget


@dataclass(frozen=True)
class Systems:
    """Both systems, ready to be asked; nothing is sent before the first question."""

    servicetitan: ServiceTitan
    books: BusinessCentral
    logins: tuple[TokenTransport, ...]

    def requests(self) -> int:
        """How many requests left so far, logins included."""
        sessions = (self.servicetitan.session, self.books.session)
        return sum(sum(session.counts.values()) for session in sessions) + sum(one.sent for one in self.logins)


@dataclass(frozen=True)
class Wiring:
    """A loaded configuration with everything that hangs on it.

    `sleep` and `clock` are how the clients wait, and tell how long: trials skip the pauses.
    """

    config: Config
    choices: Mapping
    credentials: Credentials
    config_path: Path = Path("config.yaml")
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @property
    def state_path(self) -> Path:
        """Where the state file is."""
        return Path(str(self.config.state))

    @property
    def pin(self) -> Pin:
        """The pair of systems that this configuration names."""
        from stsync.state import Pin

        titan, books = self.config.servicetitan, self.config.business_central
        return Pin(
            st_tenant=str(titan.tenant_id),
            st_environment=titan.environment,
            bc_tenant=books.tenant_id.lower(),
            bc_environment=books.environment.lower(),
            bc_company_id=books.company_id.lower(),
            bc_company_name=books.company_name or "",
        )

    def banner(self) -> str:
        """Both systems in one line, for every command that writes."""
        titan, books = self.config.servicetitan, self.config.business_central
        kind = (books.environment_type or "production").upper()
        company = books.company_name or books.company_id
        return (
            f"ServiceTitan {titan.environment.upper()} tenant {titan.tenant_id}  ->  "
            f"Business Central {kind} '{books.environment}', company {company}"
        )

    def systems(
        self, *, read_only: bool = False, on_exchange: OnExchange | None = None, note: Note | None = None
    ) -> Systems:
        """The clients; `note` is where they may remember what is no secret. Raises CredentialsError naming every secret
        that is missing.
        """
        from stsync.businesscentral.client import BusinessCentral
        from stsync.businesscentral.token import BusinessCentralAuth
        from stsync.config import endpoints
        from stsync.http.session import Session
        from stsync.http.throttle import Window
        from stsync.servicetitan.client import ServiceTitan
        from stsync.servicetitan.token import ServiceTitanAuth

        titan, books = self.config.servicetitan, self.config.business_central
        titan_auth = ServiceTitanAuth.configured(self.config, self.credentials)
        books_auth = BusinessCentralAuth.configured(self.config, self.credentials, note)
        titan_session = Session(
            "ServiceTitan",
            auth=titan_auth,
            per_second=titan.calls_per_second,
            concurrent=4,
            read_only=read_only,
            on_exchange=on_exchange,
            sleep=self.sleep,
            clock=self.clock,
        )
        books_session = Session(
            "Business Central",
            auth=books_auth,
            timeout=(10.0, 600.0),
            per_second=1000,
            window=Window(books.requests_per_five_minutes, 300.0),
            budget=self._budget(books_auth.application),
            concurrent=books.concurrent_requests,
            read_only=read_only,
            on_exchange=on_exchange,
            sleep=self.sleep,
            clock=self.clock,
        )
        return Systems(
            ServiceTitan(titan_session, endpoints.servicetitan_api(self.config), titan.tenant_id),
            BusinessCentral(
                books_session,
                endpoints.business_central_base(self.config),
                books.company_id,
                books.use_batch,
                batch_operations=books.batch_operations,
                batch_seconds=books.batch_seconds,
            ),
            (titan_auth.transport, books_auth.transport),
        )

    def _budget(self, application: str) -> SharedBudget | None:
        """What every run of this application on this machine shares; a simulator on this machine has its own limits."""
        from stsync.state.budget import budget_folder, budget_of

        books = self.config.business_central
        folder = budget_folder(books.budget_folder, books.api_url)
        if folder is None:
            return None
        named = books.budget_folder is not None
        return budget_of(application, folder, requests=books.requests_per_five_minutes, named=named)


def wire(config_file: Path | None) -> Wiring:
    """Load the configuration. Raises ConfigError with every problem, or UsageError if there is no file."""
    from stsync.config.load import find, load
    from stsync.credentials import Credentials
    from stsync.credentials.names import Identity

    path = find(config_file)
    config = load(path)
    return Wiring(config, Mapping.of(config.mapping.tables()), Credentials(Identity.of(config)), path)
