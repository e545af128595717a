"""The secrets stsync knows, and whose they are."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stsync.config.model import Config


@dataclass(frozen=True)
class Secret:
    """One secret: `name` is what a person types, what the keyring entry and the systemd credential are called."""

    name: str
    system: str
    label: str

    @property
    def variable(self) -> str:
        """The environment variable that carries it (design section 5)."""
        return "STSYNC_" + self.name.upper().replace("-", "_")

    @property
    def file_variable(self) -> str:
        """The environment variable that names a file holding it."""
        return self.variable + "_FILE"

    @property
    def expiry_variable(self) -> str:
        """The environment variable that says on which day it ends, for secrets that come from the environment."""
        return self.variable + "_EXPIRES"


SERVICETITAN_CLIENT_ID = "servicetitan-client-id"
SERVICETITAN_CLIENT_SECRET = "servicetitan-client-secret"  # noqa: S105 - a name, not a secret
SERVICETITAN_APP_KEY = "servicetitan-app-key"
BC_CLIENT_ID = "bc-client-id"
BC_CLIENT_SECRET = "bc-client-secret"  # noqa: S105 - a name, not a secret
BC_CERTIFICATE_PASSPHRASE = "bc-certificate-passphrase"  # noqa: S105 - a name, not a secret
WEBHOOK_SECRET = "webhook-secret"  # noqa: S105 - a name, not a secret
WEBHOOK_SECRET_PREVIOUS = "webhook-secret-previous"  # noqa: S105 - a name, not a secret
BC_CLIENT_STATE = "bc-client-state"

SECRETS: tuple[Secret, ...] = (
    Secret(SERVICETITAN_CLIENT_ID, "ServiceTitan", "ServiceTitan client id"),
    Secret(SERVICETITAN_CLIENT_SECRET, "ServiceTitan", "ServiceTitan client secret"),
    Secret(SERVICETITAN_APP_KEY, "ServiceTitan", "ServiceTitan app key"),
    Secret(BC_CLIENT_ID, "Business Central", "Business Central client id"),
    Secret(BC_CLIENT_SECRET, "Business Central", "Business Central client secret"),
    Secret(BC_CERTIFICATE_PASSPHRASE, "Business Central", "passphrase of the Business Central certificate"),
    Secret(WEBHOOK_SECRET, "Webhook", "webhook secret"),
    Secret(WEBHOOK_SECRET_PREVIOUS, "Webhook", "former webhook secret, while it is being changed"),
    Secret(BC_CLIENT_STATE, "Webhook", "client state of Business Central's notifications"),
)
_BY_NAME = {secret.name: secret for secret in SECRETS}


def secret_named(name: str) -> Secret | None:
    """The secret of that name, or None; underscores and capitals are forgiven."""
    return _BY_NAME.get(name.strip().lower().replace("_", "-"))


@dataclass(frozen=True)
class Identity:
    """Whose secrets: one ServiceTitan tenant and environment into one company of one BC environment.

    Client id and secret are per environment and per tenant (ServiceTitan facts 1.1), and a copied
    BC environment keeps its company id, so both environments belong to the name.
    """

    servicetitan_tenant: str
    servicetitan_environment: str
    bc_company: str
    bc_environment: str

    @classmethod
    def of(cls, config: Config) -> Identity:
        """The identity that a configuration stands for."""
        return cls(
            servicetitan_tenant=str(config.servicetitan.tenant_id),
            servicetitan_environment=config.servicetitan.environment,
            bc_company=config.business_central.company_id.lower(),
            bc_environment=config.business_central.environment.lower(),
        )

    @property
    def service(self) -> str:
        """The service name of the keyring entries, readable in the keyring's own window."""
        return (
            f"stsync:{self.servicetitan_tenant}@{self.servicetitan_environment}:{self.bc_company}@{self.bc_environment}"
        )

    @property
    def slug(self) -> str:
        """A file name for this identity: readable at the front, told apart for certain at the end."""
        readable = re.sub(r"[^A-Za-z0-9]+", "-", f"{self.servicetitan_tenant}-{self.bc_environment}")
        return f"{readable[:60]}-{hashlib.sha256(self.service.encode()).hexdigest()[:12]}"
