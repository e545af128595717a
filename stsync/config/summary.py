"""What a configuration comes to: the addresses, the pins and the digests, without any secret."""

from __future__ import annotations

from pathlib import Path

from stsync.config import digest
from stsync.config.endpoints import authority, business_central_base, servicetitan_api, servicetitan_token_url
from stsync.config.model import Config
from stsync.core.mapping import Mapping


def summary(path: Path, config: Config) -> dict[str, str]:
    """Name and value of everything that says where this configuration reads and writes."""
    titan, books = config.servicetitan, config.business_central
    return {
        "configuration_file": str(path),
        "state_file": config.state or "",
        "mapping_file": config.mapping.file or "none",
        "servicetitan_environment": titan.environment,
        "servicetitan_tenant": str(titan.tenant_id),
        "servicetitan_api": servicetitan_api(config),
        "servicetitan_sign_in": servicetitan_token_url(config),
        "business_central_tenant": books.tenant_id,
        "business_central_environment": f"{books.environment} ({books.environment_type or 'type not known'})",
        "business_central_company": books.company_id,
        "business_central_company_name": books.company_name or "not checked",
        "business_central_api": business_central_base(config),
        "business_central_sign_in": authority(config),
        "signs_in_with": "certificate" if books.certificate_file else "client secret",
        "go_live": config.go_live.isoformat(),
        "environments_may_mix": "yes" if config.allow_mixed_environments else "no",
        "configuration_digest": digest(config),
        "mapping_digest": Mapping.of(config.mapping.tables()).digest(),
    }
