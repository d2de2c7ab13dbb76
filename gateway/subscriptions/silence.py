"""What is silent, and whom to tell how much of it. Pure.

Amazon tells nobody when a queue's policy breaks or a subscription lapses; that nothing comes is all
there is to see. A type that falls silent for all of its sellers is told once, as a whole. Of single
sellers of a type that goes on coming at most one event an hour is made, with their number and the
first of them: thousands that fall silent one after the other must not wake anybody thousands of
times.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.clock import rfc3339
from gateway.operational import OperationalEvent
from gateway.store.silences import HeardSeller, SilenceChange, WatchKey, WatchPace, WatchState
from gateway.subscriptions.declaration import Declaration
from gateway.subscriptions.desired import Declared
from gateway.subscriptions.rules import types_of

MOST_EXAMPLES: Final = 20
EVERYBODY: Final = "*/*"
"""The scope of a declaration that means all sellers."""

_SELLERS_TOLD_EVERY_MS: Final = 3_600_000
_LONGEST_PAUSE_MS: Final = 300_000
_SHORTEST_PAUSE_MS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One type of one declaration that is listened for.

    Attributes:
        after_ms: How long nothing of any seller may come; None for ever.
        seller_after_ms: How long nothing of a single seller may come; None for ever.
    """

    type: str
    declaration: Declaration
    after_ms: int | None
    seller_after_ms: int | None

    @property
    def key(self) -> WatchKey:
        """What it is known by in the store, wherever it stands in the settings."""
        one = self.declaration
        scope = f"{one.application_id or '*'}/{one.region or '*'}"
        if one.seller_ids or one.tags:
            said = json.dumps([sorted(one.seller_ids), sorted(one.tags)])
            scope += f"/{hashlib.sha256(said.encode()).hexdigest()[:8]}"
        return self.type, scope

    @property
    def shortest_ms(self) -> int:
        """The shorter of its windows."""
        return min(one for one in (self.after_ms, self.seller_after_ms) if one is not None)

    @property
    def pace(self) -> WatchPace:
        """How often it is looked at: a tenth of its window, five minutes at most."""
        pause_ms = max(_SHORTEST_PAUSE_MS, min(_LONGEST_PAUSE_MS, self.shortest_ms // 10))
        return WatchPace(
            pause_ms=pause_ms, stalled_ms=max(3 * pause_ms, 3_000, self.shortest_ms // 4)
        )

    def takes(self, seller: HeardSeller) -> bool:
        """Whether the declaration means a seller."""
        return self.declaration.means(
            seller.seller_id,
            application_id=seller.application_id,
            region=seller.region,
            tags=seller.tags,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is seen of a watch at one moment.

    Attributes:
        sellers: All that are not paused; which of them are meant the watch knows.
        newest_at_ms: When the newest of the type came in, whoever's; None for never.
        slack_ms: How much older than the truth noted times may be.
    """

    state: WatchState
    sellers: Sequence[HeardSeller]
    newest_at_ms: int | None
    now_ms: int
    slack_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What has changed of a watch since the last look.

    Attributes:
        silent: Whether silence began; else it ended.
        sellers: Single sellers, with since when; None where the whole watch is meant.
        since_ms: Since when the whole watch is silent, or was.
        newest_at_ms: When the newest came in before, or again; None for never.
        quiet: Whether it is noted alone: sellers that are paused or gone are not silent any more.
    """

    watch: Watch
    silent: bool
    since_ms: int
    listened: int
    newest_at_ms: int | None = None
    sellers: Mapping[str, int] | None = None
    examples: Sequence[Mapping[str, Any]] = ()
    quiet: bool = False


def watches_of(declared: Declared) -> Sequence[Watch]:
    """Return what is to be listened for; of two for the same sellers and type the first."""
    found: dict[WatchKey, Watch] = {}
    for declaration in declared.subscriptions:
        if declaration.silent_after_s is None and declaration.seller_silent_after_s is None:
            continue
        for kind in types_of(declaration, declared.by_name.get(declaration.destination)):
            watch = Watch(
                type=kind.name,
                declaration=declaration,
                after_ms=_ms(declaration.silent_after_s),
                seller_after_ms=_ms(declaration.seller_silent_after_s),
            )
            found.setdefault(watch.key, watch)
    return list(found.values())


def judge(watch: Watch, look: Look) -> Sequence[News]:
    """Return the news of a watch: none, one of the whole, or some of single sellers."""
    mine = [one for one in look.sellers if watch.takes(one)]
    if not mine:
        return ()
    newest_at_ms = _newest(watch, mine, look)
    base_ms = _base(newest_at_ms, _first_subscribed(mine), look.state.since_ms)
    before = look.state.silent_since_ms
    if before is not None:
        if newest_at_ms is None or newest_at_ms <= before:
            return ()
        return (
            News(
                watch=watch,
                silent=False,
                since_ms=before,
                listened=len(mine),
                newest_at_ms=newest_at_ms,
            ),
        )
    if watch.after_ms is not None and look.now_ms - base_ms > watch.after_ms + look.slack_ms:
        return (
            News(
                watch=watch,
                silent=True,
                since_ms=base_ms,
                listened=len(mine),
                newest_at_ms=newest_at_ms,
            ),
        )
    return _of_sellers(watch, mine, look)


def change_of(news: News, findings: Mapping[str, Any] | None = None) -> SilenceChange:
    """Return what is noted of news, with the event that tells them.

    Args:
        news: What is told.
        findings: What the doctor found; None where it was not asked.
    """
    watch, one = news.watch, news.watch.declaration
    if news.quiet:
        return SilenceChange(key=watch.key, silent=False, sellers=news.sellers)
    window_ms = watch.after_ms if news.sellers is None else watch.seller_after_ms
    data: dict[str, Any] = {
        "type": watch.type,
        "application": one.application_id,
        "region": one.region,
        "destination": one.destination,
        "whole": news.sellers is None,
        "sellers": news.listened if news.sellers is None else len(news.sellers),
        "examples": list(news.examples),
        "since": rfc3339(news.since_ms),
        "newest": None if news.newest_at_ms is None else rfc3339(news.newest_at_ms),
    }
    if news.silent:
        data |= {"silent_after_s": (window_ms or 0) / 1000, "doctor": findings}
        event = OperationalEvent(type="notifications.silent", data=data)
    else:
        event = OperationalEvent(type="notifications.resumed", data=data)
    return SilenceChange(
        key=watch.key,
        silent=news.silent,
        sellers=news.sellers,
        since_ms=news.since_ms,
        event=event,
    )


def _of_sellers(watch: Watch, mine: Sequence[HeardSeller], look: Look) -> Sequence[News]:
    state, told_at_ms = look.state, look.state.told_at_ms
    if watch.seller_after_ms is None:
        return ()
    if told_at_ms is not None and look.now_ms - told_at_ms < min(
        _SELLERS_TOLD_EVERY_MS, watch.seller_after_ms
    ):
        return ()
    # A seller with an authorisation in each of two regions is one: nobody knows which it came from.
    silent: dict[str, int] = {}
    heard: dict[str, HeardSeller] = {}
    for one in mine:
        if one.newest_at_ms is None and one.subscribed_since_ms is None:
            continue  # nothing says that anything should come
        since_ms = _base(one.newest_at_ms, one.subscribed_since_ms, state.since_ms)
        if look.now_ms - since_ms > watch.seller_after_ms + look.slack_ms:
            silent[one.seller_id] = since_ms
        heard[one.seller_id] = one
    before = state.silent_sellers
    fell = {one: at for one, at in silent.items() if one not in before}
    heard_again = {
        one: at
        for one, at in before.items()
        if one in heard and (heard[one].newest_at_ms or 0) > at
    }
    gone = {one: at for one, at in before.items() if one not in heard}
    news = [
        _seller_news(watch, sellers, heard, silent=begins, listened=len(heard))
        for sellers, begins in ((fell, True), (heard_again, False))
        if sellers
    ]
    if gone:
        nothing = News(watch=watch, silent=False, since_ms=0, listened=0, sellers=gone, quiet=True)
        news.append(nothing)
    return news


def _seller_news(
    watch: Watch,
    sellers: Mapping[str, int],
    heard: Mapping[str, HeardSeller],
    *,
    silent: bool,
    listened: int,
) -> News:
    first = sorted(sellers, key=lambda one: (sellers[one], one))
    newest = [heard[one].newest_at_ms for one in first if one in heard]
    return News(
        watch=watch,
        silent=silent,
        since_ms=sellers[first[0]],
        listened=listened,
        newest_at_ms=max((at for at in newest if at is not None), default=None),
        sellers=sellers,
        examples=[_example(one, sellers[one], heard.get(one)) for one in first[:MOST_EXAMPLES]],
    )


def _example(seller_id: str, since_ms: int, heard: HeardSeller | None) -> Mapping[str, Any]:
    newest_at_ms = heard.newest_at_ms if heard else None
    return {
        "seller": seller_id,
        "region": heard.region if heard else None,
        "since": rfc3339(since_ms),
        "newest": None if newest_at_ms is None else rfc3339(newest_at_ms),
    }


def _newest(watch: Watch, mine: Sequence[HeardSeller], look: Look) -> int | None:
    times = [one.newest_at_ms for one in mine]
    if watch.key[1] == EVERYBODY:
        times.append(look.newest_at_ms)  # what names no seller is somebody's of all
    return max((at for at in times if at is not None), default=None)


def _first_subscribed(mine: Sequence[HeardSeller]) -> int | None:
    known = (one.subscribed_since_ms for one in mine)
    return min((at for at in known if at is not None), default=None)


def _base(newest_at_ms: int | None, subscribed_since_ms: int | None, since_ms: int) -> int:
    return max(newest_at_ms or 0, subscribed_since_ms or 0, since_ms)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
