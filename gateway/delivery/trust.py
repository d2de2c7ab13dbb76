"""Whom TLS connections trust, and as whom they show themselves: the operator's own CA, mTLS.

Certificates of endpoints are always verified; nothing here can turn that off.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.endpoints import ClientCertificate


def trust_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities, and those in `ca_file`.

    Raises:
        InvalidInputError: The file can't be read, or holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as exc:
            raise InvalidInputError(
                f"delivery.ca_file: {ca_file} holds no certificate that can be read; give a PEM"
                " file"
            ) from exc
    return context


def client_context(shown: ClientCertificate, ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that shows a client certificate to the receiver.

    Raises:
        InvalidInputError: Certificate and key can't be read, or don't belong together; the message
            never repeats them.
    """
    context = trust_context(ca_file)
    try:
        with _file_of(f"{shown.certificate}\n{shown.private_key}\n".encode()) as path:
            # Without a password, OpenSSL would ask the terminal for one.
            context.load_cert_chain(path, password=lambda: b"")
    except (OSError, ssl.SSLError, ValueError) as exc:
        raise InvalidInputError(
            "client_certificate: certificate and private key can't be read, or don't belong"
            " together; give both in PEM, the key not encrypted"
        ) from exc
    return context


@contextmanager
def _file_of(content: bytes) -> Iterator[str]:
    """Give OpenSSL the file it insists on; in memory where the system can."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client_certificate", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        yield file.name
