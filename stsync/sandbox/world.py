"""Both systems with the demo company in them, served together: what the demo, rehearsals and end-to-end tests use.

    with World(invoices=200, folder=tmp_path) as world:
        config = world.write_config(tmp_path / "config.yaml")
        subprocess.run([..., "--config", config], env={**os.environ, **world.environment_variables()})
        world.company.gl_entries, world.tenant.invoices, world.sandbox.log.writes()

The systems' clock starts at the instant at which the demo month is complete and runs on from there, so that a demo
shows the same on any day. The token servers live in real time, because certificate logins are signed in real time.

Not modelled: several tenants or companies, another month than the demo company's June.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from stsync.sandbox import businesscentral, servicetitan
from stsync.sandbox.company import Demo, build, demo_config, load_business_central, load_servicetitan
from stsync.sandbox.faults import Faults
from stsync.sandbox.latency import Latency
from stsync.sandbox.pace import Pace, paced_tokens
from stsync.sandbox.serve import Sandbox
from stsync.sandbox.tokens import Entra, ServiceTitanAuth
from stsync.sandbox.wsgi import App

# Invented, and the same in every sandbox: whoever can read them can only open a sandbox.
DEMO_SECRETS: Mapping[str, str] = {
    "STSYNC_SERVICETITAN_CLIENT_ID": "cid.demo-copper-mesa",
    "STSYNC_SERVICETITAN_CLIENT_SECRET": "cs1.demo-servicetitan-secret",
    "STSYNC_SERVICETITAN_APP_KEY": "ak1.demo-app-key",
    "STSYNC_BC_CLIENT_ID": "5d1f7b1e-0c4a-4c7e-9a52-3f0d2b8c6e11",
    "STSYNC_BC_CLIENT_SECRET": "demo-business-central-secret",
}
_IDS = uuid.UUID("8d6cf2a4-37b5-4a52-9a5e-51a1c3b0d7aa")


class DemoClock:
    """The systems' time: from `start` on it runs as real time does; `advance` skips some of it."""

    def __init__(self, start: datetime) -> None:
        self._ahead = start - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Let time pass: ServiceTitan's feeds show a change only 15 minutes later (facts section 2)."""
        self._ahead += by


class World:
    """A served demo company; a context manager.

    `tenant` is ServiceTitan's office, `company` the books in `environment`, `books_service` their web service (with
    `subscriptions`), `demo` what was generated, `sandbox` the servers (`urls`, `log`, `faults`), `entra` and
    `servicetitan_auth` the token servers. A reset replaces all but `sandbox`; addresses, ids and secrets stay, so that a
    written configuration goes on working.
    """

    def __init__(
        self,
        invoices: int = 2000,
        seed: int = 1,
        *,
        folder: Path | str,
        clock: Callable[[], datetime] | None = None,
        port_base: int = 0,
        documents: int | None = None,
        history: bool = False,
        plain: bool = False,
        latency: Latency | None = None,
    ) -> None:
        """`folder` keeps the certificate authority; `clock` replaces the running one; `port_base` 0 takes free ports.

        `documents` asks for that many invoices, payments and credit memos together instead of `invoices`; `history`
        fills the books with what stood there before go-live; `plain` serves without TLS. `latency` gives the systems
        their own slowness (`pace` keeps its account); with it, operations of a `$batch` count one by one against the
        rate, which is the stricter of two readings.
        """
        self.pace = Pace(latency) if latency is not None else None
        self.invoices = invoices
        self.documents = documents
        self.history = history
        self.seed = seed
        self.secrets = dict(DEMO_SECRETS)
        self._given_clock = clock
        self._build()
        self.faults = Faults(expire_tokens=self._expire_tokens)
        self.sandbox = Sandbox(
            self._apps(),
            folder,
            port_base=port_base,
            reset=self._rebuilt,
            faults=self.faults,
            plain=plain,
            pace=self.pace,
        )

    @property
    def ca_file(self) -> Path:
        """The certificate to trust."""
        return self.sandbox.ca_file

    def config_text(
        self, folder: Path | str, *, complete: bool = False, extended: bool = False, write_back: bool = False
    ) -> str:
        """A ready configuration whose state file lies in `folder`; `complete` fills the two gaps left on purpose.

        `extended` adds more dimensions and the accounts of refunds, which books with a history want; `write_back` has
        ServiceTitan told what is in the books.
        """
        return demo_config(
            self.sandbox.urls,
            folder,
            company_id=self.company.id,
            tenant_id=self.environment.tenant_id,
            environment=self.environment.name,
            complete=complete,
            extended=extended,
            write_back=write_back,
        )

    def write_config(self, path: Path | str, *, complete: bool = False, extended: bool = False) -> Path:
        """Write `config_text` with the state file beside it. The servers must be running."""
        file = Path(path).resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.config_text(file.parent, complete=complete, extended=extended), encoding="utf-8")
        return file

    def environment_variables(self) -> dict[str, str]:
        """What a command needs beside the configuration: the demo secrets and the certificate to trust."""
        return {**self.secrets, "REQUESTS_CA_BUNDLE": str(self.ca_file.resolve())}

    def advance(self, by: timedelta) -> None:
        """Let time pass in both systems. Raises TypeError where the caller gave a clock of its own."""
        if not isinstance(self.clock, DemoClock):
            raise TypeError("this world's clock was given by the caller, who moves it")
        self.clock.advance(by)

    def reset(self) -> None:
        """Start over: the same company as at first, no faults, an empty request log, no token issued."""
        self.sandbox.reset()

    def adopt(self, demo: Demo, tenant: servicetitan.Tenant, environment: businesscentral.Environment) -> None:
        """Take systems that were kept from an earlier time, instead of the ones built from the seed."""
        self.demo, self.tenant, self.environment = demo, tenant, environment
        self.company = environment.companies[0]
        self.clock = tenant.clock
        self.sandbox.exchange(self._apps())

    def __enter__(self) -> World:
        self.sandbox.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sandbox.stop()

    def _generated(self) -> Demo:
        return build(self.invoices, self.seed, documents=self.documents)

    def _build(self) -> None:
        self.demo = self._generated()
        self.clock = self._given_clock or DemoClock(self.demo.now)
        self.tenant = servicetitan.Tenant(self.demo.tenant_id, clock=self.clock)
        load_servicetitan(self.demo, self.tenant)
        self.environment = businesscentral.Environment(clock=self.clock)
        self.company = self.environment.create_company(self.demo.books.company_name)
        # The same id after a reset, or every written configuration would name a company that is gone.
        self.company.id = str(uuid.uuid5(_IDS, self.company.name))
        load_business_central(self.demo, self.company, history=self.history)

    def _apps(self) -> dict[str, App]:
        """The apps around the present systems, with token servers that have issued nothing yet."""
        secrets = self.secrets
        titan_id = secrets["STSYNC_SERVICETITAN_CLIENT_ID"]
        self.servicetitan_auth = ServiceTitanAuth()
        self.servicetitan_auth.register(titan_id, secrets["STSYNC_SERVICETITAN_CLIENT_SECRET"], self.tenant.tenant_id)
        self.tenant.connect(titan_id, secrets["STSYNC_SERVICETITAN_APP_KEY"])
        self.entra = entra = Entra(self.environment.tenant_id)
        entra.register(secrets["STSYNC_BC_CLIENT_ID"], secrets["STSYNC_BC_CLIENT_SECRET"])
        pace = self.pace
        # Set here and not where the environment is made: one that was kept may come from a time with another pace.
        self.environment.switches.rate_counts_operations = pace is not None
        self.books_service = businesscentral.Service(
            self.environment, lambda token: entra.authorise(token) if token else None, pace=pace
        )
        titan_auth = self.servicetitan_auth
        return {
            "servicetitan_api": servicetitan.app(self.tenant, titan_auth.authorise, pace=pace),
            "servicetitan_auth": titan_auth if pace is None else paced_tokens(titan_auth, pace, "servicetitan_auth"),
            "business_central": self.books_service,
            "entra": entra if pace is None else paced_tokens(entra, pace, "entra"),
        }

    def _rebuilt(self) -> dict[str, App]:
        self._build()
        return self._apps()

    def _expire_tokens(self, system: str) -> None:
        server = self.servicetitan_auth if system.startswith("servicetitan") else self.entra
        server.revoke_all()
