"""AWS Signature Version 4 for one kind of request: a POST of JSON to one endpoint.

It decides nothing but the bytes that are signed ("Create a signed AWS API request" in the "IAM User
Guide"). What never changes is computed once; the signing key is kept for a day. Tests
hold it to botocore's signer.
"""

from __future__ import annotations

import hmac
import time
from hashlib import sha256
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

CONTENT_TYPE: Final = "application/x-amz-json-1.0"
_SIGNED: Final = "content-type;host;x-amz-date;x-amz-target"
_SIGNED_WITH_TOKEN: Final = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"  # noqa: S105 names of headers
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Keys(Protocol):
    """What a request is signed with."""

    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def token(self) -> str | None: ...


class JsonSigner:
    """Signs POSTs of `application/x-amz-json-1.0` to one endpoint of one service and region."""

    def __init__(self, endpoint: str, *, region: str, service: str) -> None:
        parts = urlsplit(endpoint)
        port = parts.port
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        plain = port is None or port == _DEFAULT_PORTS.get(parts.scheme)
        self.host = f"{host}" if plain else f"{host}:{port}"
        path = quote(parts.path or "/", safe="/-_.~")
        self._head = f"POST\n{path}\n\ncontent-type:{CONTENT_TYPE}\nhost:{self.host}\nx-amz-date:"
        self._region = region
        self._service = service
        self._second = -1
        self._stamp = ""
        self._scope = ""
        self._key_of: tuple[str, str] = ("", "")
        self._key = b""

    def headers(self, target: str, body: bytes, keys: Keys, now_s: int) -> dict[str, str]:
        """Return every header that the signature covers, and the signature.

        Args:
            target: The action, such as `AmazonSQS.ReceiveMessage`.
            body: The request's body.
            keys: Credentials of this moment.
            now_s: Seconds since the epoch, UTC, as Amazon's clock shows them.
        """
        if now_s != self._second:
            self._tick(now_s)
        headers = {
            "host": self.host,
            "content-type": CONTENT_TYPE,
            "x-amz-date": self._stamp,
            "x-amz-target": target,
        }
        if keys.token:
            headers["x-amz-security-token"] = keys.token
            signed = _SIGNED_WITH_TOKEN
            tail = f"x-amz-security-token:{keys.token}\nx-amz-target:{target}"
        else:
            signed = _SIGNED
            tail = f"x-amz-target:{target}"
        request = f"{self._head}{self._stamp}\n{tail}\n\n{signed}\n{sha256(body).hexdigest()}"
        digest = sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{self._stamp}\n{self._scope}\n{digest}"
        signature = hmac.digest(self._signing_key(keys.secret_key), text.encode(), "sha256").hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{self._scope}, "
            f"SignedHeaders={signed}, Signature={signature}"
        )
        return headers

    def _tick(self, now_s: int) -> None:
        self._second = now_s
        self._stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
        self._scope = f"{self._stamp[:8]}/{self._region}/{self._service}/aws4_request"

    def _signing_key(self, secret_key: str) -> bytes:
        key_of = (self._scope, secret_key)
        if key_of != self._key_of:
            key = f"AWS4{secret_key}".encode()
            for part in self._scope.split("/"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key, self._key_of = key, key_of
        return self._key
