"""Business Central's login: Microsoft Entra client credentials through MSAL, with a secret or a certificate.

MSAL fails in four shapes (ecosystem section 2.3): a dictionary, a ValueError from its constructor with the
reason only in the exception's context, an MsalServiceError, and requests' own errors. All leave here
as CredentialsError (somebody has to act) or SystemUnavailable (try again later).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from stsync.businesscentral.entra_problems import login_unreachable, login_unusable, refused, refused_tenant
from stsync.businesscentral.published import Note, PublishedAddresses
from stsync.config.endpoints import authority
from stsync.credentials.certificate import certificate_end
from stsync.credentials.endpoint import safe_address
from stsync.credentials.names import BC_CERTIFICATE_PASSPHRASE, BC_CLIENT_ID, BC_CLIENT_SECRET
from stsync.credentials.token_transport import TokenTransport
from stsync.errors import CredentialsError, StsyncError
from stsync.http import redact

if TYPE_CHECKING:
    from stsync.config.model import Config
    from stsync.credentials import Credentials

SCOPE = "https://api.businesscentral.dynamics.com/.default"
# BC facts 12: cache until five minutes before the end, as MSAL itself does.
RENEW_BEFORE_SECONDS = 300.0
# What MSAL lets out when JSON of another shape comes where Entra's answer should: of a proxy, or a sign-in page.
_NOT_UNDERSTOOD = (AttributeError, LookupError, TypeError, OverflowError, RecursionError)
_SETTING = "business_central.authority"
# MSAL asks Microsoft about every other host first, which fails offline and behind a proxy (ecosystem 2.1).
_PUBLIC_HOSTS = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
        "login.microsoftonline.us",
        "login.usgovcloudapi.net",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
    }
)


class BusinessCentralAuth(AuthBase):
    """Puts a valid token on each request; one MSAL application and one lock per process (ecosystem section 2.4).

    `note` remembers the login's published addresses between runs; without it they are asked for.
    Raises CredentialsError when Entra refuses the login, SystemUnavailable when it cannot be reached.
    """

    def __init__(
        self,
        *,
        authority_url: str,
        client_id: str,
        client_secret: str | None = None,
        certificate_file: Path | None = None,
        certificate_passphrase: str | None = None,
        transport: TokenTransport | None = None,
        note: Note | None = None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        parts = urlsplit(safe_address(authority_url, _SETTING))
        plain_host = parts.netloc if parts.scheme == "http" else None
        self._authority = parts._replace(scheme="https").geturl()
        self._public = parts.hostname in _PUBLIC_HOSTS
        self._client_id = client_id
        self._client_secret = client_secret
        self._certificate_file = certificate_file
        self._passphrase = certificate_passphrase
        self.transport = transport or TokenTransport(_SETTING, plain_host=plain_host)
        self._sender = PublishedAddresses(self.transport, note, today) if note is not None else self.transport
        self._clock = clock
        self._today = today
        self._lock = threading.Lock()
        self._last_used = threading.local()
        self._application: Any = None
        self._token: str | None = None
        self._good_until = 0.0
        for secret in (client_id, client_secret, certificate_passphrase):
            redact.register(secret or "")

    @classmethod
    def configured(cls, config: Config, credentials: Credentials, note: Note | None = None) -> BusinessCentralAuth:
        """From the configuration and the stored secrets; a configured certificate is used instead of a secret.

        Raises CredentialsError naming all that is missing.
        """
        certificate = config.business_central.certificate_file
        if certificate is None:
            client_id, client_secret = credentials.values(BC_CLIENT_ID, BC_CLIENT_SECRET)
            return cls(authority_url=authority(config), client_id=client_id, client_secret=client_secret, note=note)
        return cls(
            authority_url=authority(config),
            client_id=credentials.value(BC_CLIENT_ID),
            certificate_file=Path(certificate),
            certificate_passphrase=credentials.optional(BC_CERTIFICATE_PASSPHRASE),
            note=note,
        )

    @property
    def application(self) -> str:
        """Which application of which tenant logs in: what Business Central counts requests by (facts section 11)."""
        return f"{self._authority}|{self._client_id}".lower()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token()}"
        return request

    def token(self) -> str:
        """A token with five minutes to live; asks Entra only when there is none."""
        with self._lock:
            if self._token is None or self._clock() >= self._good_until:
                self._token = self._fresh()
            self._last_used.token = self._token
            return self._token

    def renew(self) -> None:
        """Give up the token that this thread last sent; a newer one, fetched by another thread, is kept."""
        with self._lock:
            if self._token != getattr(self._last_used, "token", self._token):
                return
            self._token = None
            if self._application is not None:
                self._application.remove_tokens_for_client()

    def _fresh(self) -> str:
        asked_at = self._clock()
        answer = self._asked()
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise refused(answer)
        redact.register(token)
        lifetime = float(answer.get("expires_in") or 3600)
        self._good_until = asked_at + lifetime - min(RENEW_BEFORE_SECONDS, lifetime / 2)
        return token

    def _asked(self) -> dict[str, Any]:
        from msal.exceptions import MsalServiceError

        credential = self._credential()
        try:
            if self._application is None:
                self._application = self._entra_application(credential)
            answer: dict[str, Any] = self._application.acquire_token_for_client(scopes=[SCOPE])
        except MsalServiceError as error:
            raise login_unusable(str(error)) from error
        except requests.RequestException as error:
            raise login_unreachable(error) from error
        except ValueError as error:
            raise self._value_error(error) from error
        except _NOT_UNDERSTOOD as error:
            raise login_unusable(f"MSAL could not read the answer ({type(error).__name__})") from error
        return answer

    def _value_error(self, error: ValueError) -> StsyncError:
        """MSAL's constructor: only the context says what Entra answered about the tenant."""
        context = f"{error.__context__ or ''} {error}"
        if "AADSTS" in context:
            return refused_tenant(self._authority, context)
        return login_unusable(context)

    def _entra_application(self, credential: str | dict[str, Any]) -> Any:
        import msal

        return msal.ConfidentialClientApplication(
            self._client_id,
            client_credential=credential,
            authority=self._authority,
            http_client=self._sender,
            instance_discovery=None if self._public else False,
        )

    def _credential(self) -> str | dict[str, Any]:
        if self._certificate_file is None:
            return self._client_secret or ""
        end = certificate_end(self._certificate_file, self._passphrase)
        if end <= self._today():
            raise CredentialsError(
                "bc-certificate-expired",
                f"The Business Central certificate ended on {end.date()}; logins with it are refused.",
                hint="Make a new certificate, upload it to the app in Microsoft Entra, and replace the PFX file.",
                context={"certificate": str(self._certificate_file)},
            )
        return {"private_key_pfx_path": str(self._certificate_file), "passphrase": self._passphrase}
