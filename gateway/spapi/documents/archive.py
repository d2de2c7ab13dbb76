"""A ZIP of Amazon's and its members; it waits on disk, because a ZIP's table stands at its end.

Archives are read with suspicion: too many members, members that are encrypted, and members that
expand too far are refused, the last by what really comes out, whatever the table says.
"""

from __future__ import annotations

import asyncio
import mimetypes
import zipfile
import zlib
from collections.abc import AsyncIterator, Sequence
from typing import IO, Final

from gateway.errors import SpApiRequestError
from gateway.spapi.documents.document import Document, Making, counted
from gateway.spapi.documents.gunzip import STEP, Plain
from gateway.spapi.documents.host import Link, fault
from gateway.spapi.documents.limits import DamagedError, Meter, OversizeError
from gateway.spapi.documents.spool import Spool
from gateway.spapi.documents.text import Transcoder

_MAX_TABLE_BYTES: Final = 16 * 1024 * 1024
_END_MARK: Final = b"PK\x05\x06"
_FAR_MARK: Final = b"PK\x06\x07"  # says where a ZIP64's end record is
_LONGEST_END: Final = 22 + 65_535
_ENCRYPTED: Final = 0x1
_TYPES: Final = mimetypes.MimeTypes()  # the built-in table only, the same on every machine


class Archive:
    """An archive; iterate over it once for its members, in their order."""

    def __init__(self, link: Link, table: zipfile.ZipFile, file: Spool, meter: Meter) -> None:
        self._link = link
        self._file = file
        self._table = table
        self._meter = meter
        self._members = [one for one in table.infolist() if not one.is_dir()]

    @property
    def id(self) -> str:
        """Amazon's document id."""
        return self._link.document_id

    @property
    def size_bytes(self) -> int:
        """Bytes of the archive itself."""
        return self._file.size

    def packed(self) -> AsyncIterator[bytes]:
        """Return the bytes of the archive itself, as Amazon gave it."""
        return self._file.read()

    @property
    def names(self) -> Sequence[str]:
        """The members' names, without folders."""
        return [_name(one) for one in self._members]

    async def __aiter__(self) -> AsyncIterator[Document]:
        """Yield each member; it can be read until the next is asked for.

        Raises:
            SpApiRequestError: A member is encrypted.
        """
        for member in self._members:
            if member.flag_bits & _ENCRYPTED:
                raise SpApiRequestError(
                    f"{self._link}: {_name(member)} in it is encrypted",
                    operation=self._link.operation,
                    seller_id=self._link.seller_id,
                )
            content_type = _TYPES.guess_type(_name(member))[0] or ""
            yield Document(
                self._link,
                self._pieces(member),
                # XML says its encoding itself, so nothing in here is rewritten.
                Making(unpacker=Plain(), text=Transcoder.as_it_is(), meter=self._meter),
                content_type=content_type,
                name=_name(member),
            )

    async def _pieces(self, member: zipfile.ZipInfo) -> AsyncIterator[bytes]:
        try:
            source = await asyncio.to_thread(self._table.open, member)
            try:
                while piece := await asyncio.to_thread(source.read, STEP):
                    yield piece
            finally:
                source.close()
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as exc:
            raise DamagedError(f"holds {_name(member)}, which is damaged ({exc})") from exc


async def spool(link: Link, pieces: AsyncIterator[bytes], into: Spool, meter: Meter) -> None:
    """Bring the archive to disk.

    Raises:
        SpApiRetryableError: It broke off.
        SpApiRequestError: It is too large.
    """
    try:
        async for piece in counted(pieces, meter):
            await into.write(piece)
    except OversizeError as exc:
        raise fault(link, exc) from exc


def read_table(link: Link, file: IO[bytes]) -> zipfile.ZipFile:
    """Return the archive in `file`; it reads from disk.

    Raises:
        SpApiRetryableError: It is no whole ZIP.
        SpApiRequestError: Its table is too large to be read.
    """
    try:
        _check_table(file)
        return zipfile.ZipFile(file)
    except (OversizeError, DamagedError) as exc:
        raise fault(link, exc) from exc
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as exc:
        raise fault(link, DamagedError(f"is no whole ZIP archive ({exc})")) from exc


def _check_table(file: IO[bytes]) -> None:
    """Refuse a table that would fill the memory; `zipfile` reads it whole."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _LONGEST_END))
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) < at + 22:
        raise DamagedError("is no whole ZIP archive (its table is missing)")
    table_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    if tail[max(0, at - 20) : at].startswith(_FAR_MARK):
        file.seek(int.from_bytes(tail[at - 12 : at - 4], "little") + 40)
        table_bytes = int.from_bytes(file.read(8), "little")
    if table_bytes > _MAX_TABLE_BYTES:
        raise OversizeError(f"is a ZIP whose table is larger than {_MAX_TABLE_BYTES} bytes")


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.replace("\\", "/").rpartition("/")[2]
