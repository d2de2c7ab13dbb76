"""From a document's charset to UTF-8, piece by piece. Pure.

The host's `Content-Type` names the charset: Amazon writes reports in ISO-8859-1, Cp1252, Shift_JIS
and UTF-8, this one with a byte order mark or without. A UTF-8 mark wins over a label and is
dropped. What names no charset is left as it is, and so is what is no text. Bytes that their charset
doesn't have become U+FFFD: one bad byte must not keep a report from its reader.
"""

from __future__ import annotations

import codecs

_MARK = codecs.BOM_UTF8
_TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/jsonl",
        "application/x-ndjson",
        "application/xml",
        "application/csv",
        "application/javascript",
        "application/octet-stream",
        "binary/octet-stream",
        "",
    }
)
_TEXT_ENDINGS = ("+json", "+xml")
# As it is written on Windows, with characters that the standard lacks; what browsers do too.
_WIDER = {"shift_jis": "cp932", "gb2312": "gb18030", "euc_kr": "cp949"}


class Transcoder:
    """Turns text into UTF-8.

    Attributes:
        charset: What the document is written in by Python's name, or None where it stays as it is.
    """

    def __init__(self, content_type: str) -> None:
        kind, label = content_type_parts(content_type)
        may_be_text = (
            kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(_TEXT_ENDINGS)
        )
        self.charset = _codec(label) if may_be_text else None
        self._start = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._decided = not may_be_text

    @classmethod
    def as_it_is(cls) -> Transcoder:
        """Return one that changes nothing."""
        return cls("application/zip")

    def feed(self, piece: bytes) -> bytes:
        """Return what `piece` becomes; the first bytes wait until it is clear what they are."""
        if not self._decided:
            self._start += piece
            if len(self._start) < len(_MARK) and _MARK.startswith(self._start):
                return b""
            piece, self._start = self._start, b""
            self._decide(piece)
        return self._written(piece, final=False)

    def end(self) -> bytes:
        """Return what is left after the last piece."""
        if not self._decided:
            self._decide(self._start)
        rest, self._start = self._start, b""
        return self._written(rest, final=True)

    def _decide(self, start: bytes) -> None:
        self._decided = True
        if start.startswith(_MARK):
            self.charset = "utf-8"
        if self.charset is not None:
            name = "utf-8-sig" if self.charset == "utf-8" else self.charset
            self._decoder = codecs.getincrementaldecoder(name)(errors="replace")

    def _written(self, piece: bytes, *, final: bool) -> bytes:
        if self._decoder is None:
            return piece
        return self._decoder.decode(piece, final).encode("utf-8", errors="replace")


def content_type_parts(content_type: str) -> tuple[str, str | None]:
    """Return a media type in lower case and the charset it names, or None."""
    kind, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), value.strip().strip("\"'") or None
    return kind.strip().lower(), None


def _codec(label: str | None) -> str | None:
    """Return Python's name for a charset, or None where it knows none such."""
    if label is None:
        return None
    try:
        "".encode(label)  # refuses the codecs that are no charsets
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return _WIDER.get(name, name)
