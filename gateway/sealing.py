"""Secrets at rest: a ring of keys in a file, and values sealed with AES-256-GCM.

It decides how a sealed value looks (version byte, key id, nonce, ciphertext with tag), which key
seals (the newest) and who may read the key file. It never decides what is sealed, and no error of
it holds content or a key. A value is bound to its `context`, so a sealed secret that is moved to
another row can't be opened there.

Nonces are random: one key is good for about four billion values (NIST SP 800-38D, 8.3).
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.clock import Clock, rfc3339
from gateway.disk import sync_entries
from gateway.errors import ConfigurationError, ConflictError, Fault, SealError

_VERSION = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER_BYTES = len(_VERSION) + _ID_BYTES
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """One key of the ring; its id is a fingerprint, so a damaged key is noticed."""

    id: str
    key_bytes: bytes = field(repr=False)
    created_at: str

    @classmethod
    def new(cls, clock: Clock) -> SealingKey:
        """Make a random key."""
        key_bytes = AESGCM.generate_key(_KEY_BYTES * 8)
        return cls(
            id=_fingerprint(key_bytes), key_bytes=key_bytes, created_at=rfc3339(clock.now_ms())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Keys in the order they were added: the last seals, all open."""

    keys: tuple[SealingKey, ...]

    @property
    def newest(self) -> SealingKey:
        """The key that seals."""
        return self.keys[-1]


class Sealer:
    """Seals with the newest key of a ring and opens with any.

    A value sealed with an unknown key makes it read the ring once more: another process may have
    added a key since.
    """

    def __init__(self, ring: KeyRing, *, reload: Callable[[], KeyRing] | None = None) -> None:
        self._reload = reload
        self._use(ring)

    @property
    def key_id(self) -> str:
        """Id of the key that seals."""
        return self._newest.hex()

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return `plain` sealed, to be opened only under the same `context`."""
        key_id = self._newest  # read once: another thread may reload the ring meanwhile
        header, cipher = _VERSION + key_id, self._ciphers[key_id]
        nonce = os.urandom(_NONCE_BYTES)
        return header + nonce + cipher.encrypt(nonce, plain, header + context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed.

        Raises:
            SealError: The key is not in the ring, or the value was altered, cut short or sealed
                under another context.
        """
        key_id = _key_id(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None and self._reload is not None:
            self._use(self._reload())
            cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealError(f"key {key_id.hex()}, which sealed {context}, is not in the key ring")
        header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
        nonce, ciphertext = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, ciphertext, header + context.encode())
        except InvalidTag:
            message = f"what stands sealed as {context} was altered, or belongs elsewhere"
            raise SealError(message) from None

    def needs_reseal(self, sealed: bytes) -> bool:
        """Return whether an older key than the newest sealed this value.

        Raises:
            SealError: `sealed` is no sealed value.
        """
        return _key_id(sealed) != self._newest

    def _use(self, ring: KeyRing) -> None:
        # In this order, so that a thread that sees the new id finds its cipher.
        self._ciphers = {bytes.fromhex(key.id): AESGCM(key.key_bytes) for key in ring.keys}
        self._newest = bytes.fromhex(ring.newest.id)


def open_sealer(file: Path, *, clock: Clock, create: bool) -> Sealer:
    """Return a sealer over a key ring's file.

    Args:
        file: The ring's file.
        clock: Dates a new key.
        create: Whether a missing file is made. Allow it only where nothing is sealed yet: a new
            ring can't open what a lost one sealed.

    Raises:
        ConfigurationError: The file is missing, damaged, or readable by others.
    """
    if create:
        with contextlib.suppress(ConflictError):
            create_ring(file, clock=clock)
    return Sealer(load_ring(file), reload=lambda: load_ring(file))


def load_ring(file: Path) -> KeyRing:
    """Read a key ring.

    Raises:
        ConfigurationError: The file is missing, damaged, or readable by others.
    """
    try:
        with file.open("rb") as stream:
            _check_access(file, os.fstat(stream.fileno()))
            return _parse(stream.read())
    except FileNotFoundError as exc:
        mend = "put it back from its backup; only where nothing is sealed yet make a new one: "
        raise _refused(file, "there is no key ring", f"{mend}`gateway db create-keys`") from exc
    except OSError as exc:
        what = f"the key ring can't be read ({exc.strerror})"
        raise _refused(file, what, "make it a file that the gateway's user may read") from exc
    except (ValueError, KeyError, TypeError) as exc:
        what = "is damaged, or no key ring"
        raise _refused(file, what, "put it back from its backup") from exc


def create_ring(file: Path, *, clock: Clock) -> KeyRing:
    """Write a ring with one new key, for the owner's eyes only.

    Raises:
        ConflictError: The file exists.
        ConfigurationError: It can't be written.
    """
    ring = KeyRing(keys=(SealingKey.new(clock),))
    with _writing(file):
        temporary = _write_beside(file, ring)
        try:
            os.link(temporary, file)  # unlike a rename, this never replaces a ring
        except FileExistsError as exc:
            raise ConflictError(f"{file} exists; a key ring is never overwritten") from exc
        finally:
            temporary.unlink()
        sync_entries(file.parent)
    return ring


def add_key(file: Path, *, clock: Clock) -> KeyRing:
    """Add a new key to a ring and return it; what older keys sealed can still be opened.

    Raises:
        ConfigurationError: The ring can't be read or written.
    """
    with _writing(file):
        ring = KeyRing(keys=(*load_ring(file).keys, SealingKey.new(clock)))
        _write_beside(file, ring).replace(file)
        sync_entries(file.parent)
    return ring


@contextlib.contextmanager
def _writing(file: Path) -> Iterator[None]:
    """Hold the folder's lock: two rotations at once would lose one of the new keys."""
    folder = -1
    try:
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    except OSError as exc:
        what = f"the key ring can't be written ({exc.strerror})"
        raise _refused(file, what, "let the gateway's user write to that folder") from exc
    finally:
        if folder >= 0:
            os.close(folder)


def _write_beside(file: Path, ring: KeyRing) -> Path:
    keys = [
        {
            "id": key.id,
            "created_at": key.created_at,
            "key": base64.b64encode(key.key_bytes).decode(),
        }
        for key in ring.keys
    ]
    # mkstemp makes files of mode 0600.
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        json.dump({"version": 1, "keys": keys}, stream, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    return Path(name)


def _parse(raw: bytes) -> KeyRing:
    keys = tuple(
        SealingKey(
            id=item["id"],
            key_bytes=base64.b64decode(item["key"], validate=True),
            created_at=item["created_at"],
        )
        for item in json.loads(raw)["keys"]
    )
    for key in keys:
        if len(key.key_bytes) != _KEY_BYTES or key.id != _fingerprint(key.key_bytes):
            raise ValueError("a key does not match its id")
    if not keys:
        raise ValueError("it holds no key")
    return KeyRing(keys=keys)


def _check_access(file: Path, status: os.stat_result) -> None:
    """Refuse a ring that others can read or write.

    Where the file belongs to another user, as a secret mounted into a container does, the group is
    how this process reads it, so reading by the group is allowed there.
    """
    forbidden = 0o077 if status.st_uid == os.geteuid() else 0o037
    if status.st_mode & forbidden:
        what = f"the key ring is open to others (mode {stat.S_IMODE(status.st_mode):04o})"
        raise _refused(file, what, f"run: chmod {_OWNER_ONLY:o} {file}")


def _fingerprint(key_bytes: bytes) -> str:
    return hashlib.sha256(b"gateway sealing key\0" + key_bytes).digest()[:_ID_BYTES].hex()


def _key_id(sealed: bytes) -> bytes:
    if not sealed.startswith(_VERSION) or len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES:
        raise SealError("this is no sealed value of a version that is known here")
    return sealed[len(_VERSION) : _HEADER_BYTES]


def _refused(file: Path, what: str, mend: str) -> ConfigurationError:
    return ConfigurationError([Fault(where=str(file), what=what, mend=mend)])
