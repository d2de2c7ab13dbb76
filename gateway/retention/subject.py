"""Whether something is about somebody. Pure.

A text mentions a name when the name stands in it as a whole, whatever the case, the space between
its words, or how JSON wrote its letters. So `Ann Lee` is found in `ANN  LEE`, not in `Joann Leeds`.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.erasures import Subject, SubjectKind
from gateway.errors import InvalidInputError

_LEAST_CHARS: Final = 5
_ESCAPED: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_SPACE: Final = re.compile(r"(?:\s|\\+[nrt])+")
_SURROGATES: Final = "utf-16", "surrogatepass"


class Mentions:
    """Tells whether texts mention a subject."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        # A letter or digit beside it, or an escape's backslash before it, makes it another name.
        self._wanted = re.compile(rf"(?<!\w){re.escape(_plain(subject.value))}(?!\w)")

    def __call__(self, text: bytes | str | None) -> bool:
        """Return whether `text` mentions the subject; bytes are read as UTF-8."""
        if not text:
            return False
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        return self._wanted.search(_plain(text)) is not None

    @property
    def overlap(self) -> int:
        """Bytes of one piece of a text that must be read again with the next."""
        return 16 * len(self.subject.value) + 64

    def owner(self, seller_id: str | None) -> bool:
        """Return whether the subject is the seller of something."""
        return self.subject.kind is SubjectKind.SELLER and seller_id == self.subject.value


def checked(kind: SubjectKind, value: str) -> Subject:
    """Return a subject that can be looked for.

    Raises:
        InvalidInputError: It is too short to mean one person or thing.
    """
    value = value.strip()
    if len(value) < _LEAST_CHARS:
        raise InvalidInputError(
            f"{kind}: too short to mean one; write {_LEAST_CHARS} characters or more"
        )
    return Subject(kind=kind, value=value)


def _plain(text: str) -> str:
    if "\\u" in text:
        joined = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        text = joined.encode(*_SURROGATES).decode("utf-16", "replace")
    return _SPACE.sub(" ", text).casefold()
