"""The demo company behind real servers, and the secrets that open them; shared by the tests of init and doctor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stsync.sandbox import businesscentral, servicetitan
from stsync.sandbox.businesscentral import Company, Environment
from stsync.sandbox.company import build, demo_config, load_business_central, load_servicetitan
from stsync.sandbox.serve import Sandbox
from stsync.sandbox.servicetitan import Tenant
from stsync.sandbox.tokens import Entra, ServiceTitanAuth

CLIENT_ID, CLIENT_SECRET, APP_KEY = "cid.demo", "cs1.demo-secret-value", "ak1.demo-app-key-value"
BC_CLIENT, BC_SECRET = "books-app-id-of-demo", "abc8Q~demo-secret-value"
SECRETS = {
    "STSYNC_SERVICETITAN_CLIENT_ID": CLIENT_ID,
    "STSYNC_SERVICETITAN_CLIENT_SECRET": CLIENT_SECRET,
    "STSYNC_SERVICETITAN_APP_KEY": APP_KEY,
    "STSYNC_BC_CLIENT_ID": BC_CLIENT,
    "STSYNC_BC_CLIENT_SECRET": BC_SECRET,
}
ISOLATED = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")


@dataclass
class World:
    """Both systems with the demo company in them."""

    sandbox: Sandbox
    tenant: Tenant
    environment: Environment
    company: Company

    def config(self, folder: Path, *, complete: bool = True) -> Path:
        """The demo's configuration, as a file."""
        path = folder / "config.yaml"
        text = demo_config(
            self.sandbox.urls,
            folder,
            company_id=self.company.id,
            tenant_id=self.environment.tenant_id,
            environment=self.environment.name,
            complete=complete,
        )
        path.write_text(text, encoding="utf-8")
        return path


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Everything running; ends with the block."""
    demo = build(invoices=1)
    tenant = Tenant(demo.tenant_id, clock=lambda: demo.now)
    tenant.connect(CLIENT_ID, APP_KEY)
    load_servicetitan(demo, tenant)
    environment = Environment(clock=lambda: demo.now)
    company = environment.create_company(demo.books.company_name)
    load_business_central(demo, company)
    entra, login = Entra(environment.tenant_id), ServiceTitanAuth()
    entra.register(BC_CLIENT, BC_SECRET)
    login.register(CLIENT_ID, CLIENT_SECRET, demo.tenant_id)
    apps = {
        "servicetitan_api": servicetitan.app(tenant, login.authorise),
        "servicetitan_auth": login,
        "business_central": businesscentral.app(environment, authorise=entra.authorise),
        "entra": entra,
    }
    with Sandbox(apps, folder) as sandbox:
        yield World(sandbox, tenant, environment, company)
