"""ServiceTitan's login: one token for its fifteen minutes, never one per call, and the app key on every request.

Facts 1.2: form-encoded client credentials, 900 seconds, no refresh token; issuing is itself throttled, so the
token is cached and renewed a minute before it ends. A bad pair answers 400 `invalid_client`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import requests
from requests.auth import AuthBase

from stsync.config.endpoints import servicetitan_token_url
from stsync.credentials.endpoint import safe_address
from stsync.credentials.names import SERVICETITAN_APP_KEY, SERVICETITAN_CLIENT_ID, SERVICETITAN_CLIENT_SECRET
from stsync.credentials.token_transport import TokenAnswer, TokenTransport
from stsync.errors import CredentialsError, StsyncError, SystemUnavailable
from stsync.http import redact

if TYPE_CHECKING:
    from stsync.config.model import Config
    from stsync.credentials import Credentials

LIFETIME_SECONDS = 900.0
RENEW_BEFORE_SECONDS = 60.0


class ServiceTitanAuth(AuthBase):
    """Puts a valid token and the app key on each request; safe to share between threads.

    Raises CredentialsError when ServiceTitan refuses the pair, SystemUnavailable when its login cannot be
    reached or is throttled for longer than we wait.
    """

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        app_key: str,
        tenant: str = "",
        transport: TokenTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = safe_address(token_url, "servicetitan.auth_url")
        self._pair = {"client_id": client_id, "client_secret": client_secret}
        self.app_key = app_key
        self._tenant = tenant
        self.transport = transport or TokenTransport("servicetitan.auth_url")
        self._clock = clock
        self._lock = threading.Lock()
        self._last_used = threading.local()
        self._token: str | None = None
        self._good_until = 0.0
        for secret in (client_id, client_secret, app_key):
            redact.register(secret)
        _refuse_malformed_key(app_key)

    @classmethod
    def configured(cls, config: Config, credentials: Credentials) -> ServiceTitanAuth:
        """From the configuration and the stored secrets; raises CredentialsError naming all that are missing."""
        client_id, client_secret, app_key = credentials.values(
            SERVICETITAN_CLIENT_ID, SERVICETITAN_CLIENT_SECRET, SERVICETITAN_APP_KEY
        )
        return cls(
            token_url=servicetitan_token_url(config),
            client_id=client_id,
            client_secret=client_secret,
            app_key=app_key,
            tenant=f"tenant {config.servicetitan.tenant_id} ({config.servicetitan.environment})",
        )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token()}"
        request.headers["ST-App-Key"] = self.app_key
        return request

    def token(self) -> str:
        """A token with at least a minute to live; asks ServiceTitan only when there is none."""
        with self._lock:
            if self._token is None or self._clock() >= self._good_until:
                self._token = self._fresh()
            self._last_used.token = self._token
            return self._token

    def renew(self) -> None:
        """Give up the token that this thread last sent; a newer one, fetched by another thread, is kept."""
        with self._lock:
            if self._token == getattr(self._last_used, "token", self._token):
                self._token = None

    def _fresh(self) -> str:
        asked_at = self._clock()
        answer = self._answer()
        document = answer.document()
        token = document.get("access_token")
        if answer.status_code != 200 or not isinstance(token, str) or not token:
            raise self._problem(answer)
        redact.register(token)
        lifetime = _seconds(document.get("expires_in"))
        # A token shorter than two minutes (a test server's) still serves for half its life.
        self._good_until = asked_at + lifetime - min(RENEW_BEFORE_SECONDS, lifetime / 2)
        return token

    def _answer(self) -> TokenAnswer:
        form = {"grant_type": "client_credentials", **self._pair}
        try:
            return self.transport.post(self._url, data=form, headers={"Accept": "application/json"})
        except requests.exceptions.SSLError as error:
            raise _unreachable(
                "servicetitan-login-certificate",
                "The certificate of ServiceTitan's login could not be verified, so no secret was sent.",
                "Behind a company proxy, let REQUESTS_CA_BUNDLE name its certificate file.",
                redact.redact(str(error)),
            ) from error
        except requests.RequestException as error:
            raise _unreachable(
                "servicetitan-login-unreachable",
                "ServiceTitan's login cannot be reached.",
                "Check the network, then run again; nothing was lost.",
                redact.redact(str(error)),
            ) from error

    def _problem(self, answer: TokenAnswer) -> StsyncError:
        error = str(answer.document().get("error", ""))
        note = redact.redact(f"{answer.status_code} {answer.text[:300]}".strip())
        if error == "invalid_client":
            return self._pair_refused(note)
        if answer.status_code in {400, 401, 403} and error:
            return CredentialsError(
                "servicetitan-login-refused",
                f"ServiceTitan refused the login of {self._who()}: {error}.",
                hint="In ServiceTitan, Settings > API Application Access: is the app connected?",
                note=note,
            )
        if answer.status_code == 429:
            return _unreachable(
                "servicetitan-login-throttled",
                "ServiceTitan's login is being asked too often and wants us to wait.",
                "Wait some minutes, and check that no other program uses the same app.",
                note,
            )
        return _unreachable(
            "servicetitan-login-unreadable",
            f"ServiceTitan's login did not answer sensibly (status {answer.status_code}).",
            "Try again later; if servicetitan.auth_url is set in the configuration, check it.",
            note,
        )

    def _pair_refused(self, note: str) -> CredentialsError:
        return CredentialsError(
            "servicetitan-secret-refused",
            f"ServiceTitan refused the client id and client secret of {self._who()}.",
            hint=(
                "The pair belongs to one tenant and one environment (production or integration). Copy both again "
                "from ServiceTitan, Settings > API Application Access, and store them with: "
                "stsync auth set servicetitan-client-id, stsync auth set servicetitan-client-secret"
            ),
            note=note,
        )

    def _who(self) -> str:
        return self._tenant or "this tenant"


def _refuse_malformed_key(app_key: str) -> None:
    """A header carries ASCII only; a curled quote or a letter from another keyboard came in by mistake."""
    if not app_key.isascii():
        raise CredentialsError(
            "servicetitan-app-key-malformed",
            "The ServiceTitan app key holds a character that no app key has.",
            hint="Copy it again from the developer portal, then: stsync auth set servicetitan-app-key",
        )


def _seconds(expires_in: object) -> float:
    try:
        seconds = float(str(expires_in))
    except ValueError:
        return LIFETIME_SECONDS
    return seconds if seconds > 0 else LIFETIME_SECONDS


def _unreachable(reference: str, message: str, hint: str, note: str) -> SystemUnavailable:
    return SystemUnavailable(reference, message, hint=hint, note=note)
