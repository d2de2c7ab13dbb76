"""One seller's subscriptions to one type: looked at, compared, and made as declared.

Whatever ends it half-way, the next look finds out and goes on: nothing depends on what was planned
before. An old subscription is noted as about to go before it is deleted, so that the length of the
gap is known even then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.clock import Clock
from gateway.errors import GatewayError, NotFoundError, SpApiError, SpApiRetryableError
from gateway.spapi.apis.notifications import Subscription
from gateway.store.subscriptions import Look, SeenSubscription, Subscriptions, UnitState
from gateway.subscriptions.amazon import AmazonSide
from gateway.subscriptions.declaration import Unit, Wanted, canonical
from gateway.subscriptions.plan import Action, ActionKind, Existing, decide
from gateway.subscriptions.refusals import explained


class GapSweeps(Protocol):
    """Who looks for what was lost while nothing arrived."""

    async def sweep(self, unit: Unit, since_ms: int) -> bool:
        """Ask for a sweep; False where the type is not swept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is known before a look.

    Attributes:
        wanted: What should exist; empty where the type is not declared for the seller.
        digest: Of it.
        managed: Ids of the subscriptions that are declared, of all sellers.
        state: What the last look came to, or None.
        destination_ids: By declared name.
        destination_faults: Why a declared destination has no id, by name.
    """

    unit: Unit
    wanted: Sequence[Wanted]
    digest: str
    managed: Collection[str]
    state: UnitState | None
    destination_ids: Mapping[str, str]
    destination_faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def drifted(self) -> bool:
        """Whether a difference now means that somebody else made it."""
        state = self.state
        return state is not None and state.settled_at_ms is not None and state.digest == self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of an action.

    Attributes:
        subscription_id: The new one, else the one that is concerned.
    """

    action: Action
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a look came to.

    Attributes:
        done: What was done, or in a plan what would be.
        fault: Why it is not as declared, or None.
        drifted: Whether somebody else had changed what was as declared.
        gap_ms: How long nothing arrived, where it is known that nothing did.
        swept: Whether a sweep looks for what was lost then.
    """

    task: Task
    done: Sequence[Done] = ()
    fault: str | None = None
    drifted: bool = False
    gap_ms: int | None = None
    swept: bool = False

    @property
    def news(self) -> bool:
        """Whether it is worth telling: drift, or a fault that was not there before."""
        before = self.task.state.fault if self.task.state else None
        return self.drifted or (self.fault is not None and self.fault != before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One call that changed something at Amazon: a subscription `created` or `deleted`."""

    verb: str
    subscription_id: str


@dataclass(slots=True)
class _Progress:
    """What one settling has found out; it outlives a second look.

    Attributes:
        gap_since_ms: Since when nothing arrives, or None where something does.
        changes: What was changed at Amazon so far.
    """

    gap_since_ms: int | None
    changes: list[Change] = field(default_factory=list)

    def changed(self, verb: str, subscription_id: str) -> None:
        """Note a call that changed something."""
        self.changes.append(Change(verb=verb, subscription_id=subscription_id))

    def gap_began(self, at_ms: int | None) -> None:
        """Note that nothing arrives since then, if not longer."""
        if self.gap_since_ms is None:
            self.gap_since_ms = at_ms


class UnitDesk:
    """Looks at units and settles them; safe for any number of tasks.

    Args:
        changing: Returns the subscriptions to note a look in that has changed something at Amazon.
    """

    def __init__(
        self,
        amazon: AmazonSide,
        subscriptions: Subscriptions,
        gaps: GapSweeps,
        clock: Clock,
        changing: Callable[[Unit, Sequence[Change]], Subscriptions] | None = None,
    ) -> None:
        self._amazon = amazon
        self._subscriptions = subscriptions
        self._changing = changing or (lambda unit, changes: subscriptions)  # noqa: ARG005 no account
        self._gaps = gaps
        self._clock = clock

    async def look(self, task: Task, *, prune: bool, tell: bool = False) -> Outcome:
        """Return what would have to be done; `tell` notes the difference as a fault."""
        try:
            found = await self._amazon.subscriptions(task.unit)
        except (SpApiError, NotFoundError) as exc:
            return await self._failed(task, exc, noted=tell)
        actions = decide(task.wanted, _existing(task, found), task.destination_ids, prune=prune)
        done = [Done(action=one, subscription_id=_first_id(one)) for one in actions]
        differs = [one for one in actions if one.changes]
        outcome = Outcome(task=task, done=done, drifted=task.drifted and bool(differs))
        if tell:
            text = ", ".join(f"{one.kind}: {one.reason}" for one in differs)
            fault = f"differs from the declaration ({text})" if differs else None
            outcome = Outcome(task=task, done=done, fault=fault)
            await self._note(task, [_seen(one) for one in _existing(task, found)], fault)
        return outcome

    async def settle(self, task: Task, *, prune: bool) -> Outcome:
        """Make it as declared; a refusal of Amazon's is told in the outcome, not raised."""
        for name in {one.destination for one in task.wanted} - set(task.destination_ids):
            fault = task.destination_faults.get(name, "it does not exist")
            return await self._refused(task, f'destination "{name}": {fault}')
        progress = _Progress(gap_since_ms=task.state.gap_since_ms if task.state else None)
        try:
            try:
                return await self._settled(task, progress, prune=prune)
            except SpApiError as exc:
                if not _worth_another_look(exc):
                    raise
            # Somebody else was quicker, or the call had its effect though no answer came.
            return await self._settled(task, progress, prune=prune)
        except (SpApiError, NotFoundError) as exc:
            return await self._failed(task, exc, noted=True, changes=progress.changes)

    async def _settled(self, task: Task, progress: _Progress, *, prune: bool) -> Outcome:
        found = {one.subscription_id: one for one in await self._amazon.subscriptions(task.unit)}
        existing = _existing(task, list(found.values()))
        actions = decide(task.wanted, existing, task.destination_ids, prune=prune)
        mended = any(one.changes and one.kind is not ActionKind.DELETE for one in actions)
        if task.drifted and task.state and any(one.kind is ActionKind.CREATE for one in actions):
            progress.gap_began(task.state.settled_at_ms)
        seen: list[SeenSubscription] = []
        done: list[Done] = []
        for action in actions:
            made = await self._do(task, action, found, progress)
            seen.extend(_left(task, action, made))
            made_id = made.subscription_id if made else _first_id(action)
            done.append(Done(action=action, subscription_id=made_id))
        gap_ms, swept = await self._gap_ended(task, progress)
        await self._note(task, seen, None, progress.changes)
        return Outcome(
            task=task, done=done, drifted=task.drifted and mended, gap_ms=gap_ms, swept=swept
        )

    async def _do(
        self,
        task: Task,
        action: Action,
        found: Mapping[str, Subscription],
        progress: _Progress,
    ) -> Subscription | None:
        """Return the subscription that was made, or None."""
        wanted, unit = action.wanted, task.unit
        if action.kind is ActionKind.DELETE:
            await self._delete(unit, action.existing, progress)
        if wanted is None or not action.changes:
            return None
        place = task.destination_ids[wanted.destination]
        if action.gap:
            progress.gap_began(
                await self._subscriptions.gap_begins(unit.seller_id, unit.region, unit.type)
            )
            await self._delete(unit, action.existing, progress)
            old = [found[one.id] for one in action.existing]
            return await self._create_or_put_back(wanted, place, old, progress)
        made = await self._amazon.create(wanted, place)
        progress.changed("created", made.subscription_id)
        await self._delete(unit, action.existing, progress)
        return made

    async def _delete(
        self, unit: Unit, subscriptions: Sequence[Existing], progress: _Progress
    ) -> None:
        for one in subscriptions:
            await self._amazon.delete(unit, one.id)
            progress.changed("deleted", one.id)

    async def _create_or_put_back(
        self, wanted: Wanted, place: str, old: Sequence[Subscription], progress: _Progress
    ) -> Subscription:
        try:
            made = await self._amazon.create(wanted, place)
        except SpApiRetryableError:
            raise  # it may be there all the same: another look tells
        except SpApiError:
            for one in old:
                back = await self._amazon.put_back(wanted.unit, one)
                progress.changed("created", back.subscription_id)
            raise
        progress.changed("created", made.subscription_id)
        return made

    async def _gap_ended(self, task: Task, progress: _Progress) -> tuple[int | None, bool]:
        """Return how long nothing arrived, and whether that is looked for now."""
        since_ms = progress.gap_since_ms
        if since_ms is None:
            return None, False
        swept = await self._gaps.sweep(task.unit, since_ms)
        return self._clock.now_ms() - since_ms, swept

    async def _failed(
        self, task: Task, exc: GatewayError, *, noted: bool, changes: Sequence[Change] = ()
    ) -> Outcome:
        fault = str(exc)
        if isinstance(exc, SpApiError):
            fault = explained(exc, task.unit.type)
        if not noted:
            return Outcome(task=task, fault=fault)
        return await self._refused(task, fault, changes)

    async def _refused(self, task: Task, fault: str, changes: Sequence[Change] = ()) -> Outcome:
        await self._note(task, None, fault, changes)
        return Outcome(task=task, fault=fault)

    async def _note(
        self,
        task: Task,
        seen: Sequence[SeenSubscription] | None,
        fault: str | None,
        changes: Sequence[Change] = (),
    ) -> None:
        unit = task.unit
        subscriptions = self._changing(unit, changes) if changes else self._subscriptions
        await subscriptions.looked(
            Look(
                application_id=unit.application_id,
                region=unit.region,
                seller_id=unit.seller_id,
                type=unit.type,
                digest=task.digest,
                seen=seen,
                fault=fault,
            )
        )


def _existing(task: Task, found: Sequence[Subscription]) -> Sequence[Existing]:
    return [
        Existing(
            id=one.subscription_id,
            payload_version=one.payload_version,
            destination_id=one.destination_id,
            directive=one.processing_directive,
            managed=one.subscription_id in task.managed,
        )
        for one in found
    ]


def _left(task: Task, action: Action, made: Subscription | None) -> Sequence[SeenSubscription]:
    """Return what Amazon has after an action."""
    wanted = action.wanted
    if made is not None and wanted is not None:
        return [
            SeenSubscription(
                id=made.subscription_id,
                payload_version=wanted.payload_version,
                destination_id=task.destination_ids[wanted.destination],
                directive=canonical(wanted.directive),
                managed=True,
            )
        ]
    if action.changes:
        return []
    return [_seen(one, managed=wanted is not None) for one in action.existing]


def _seen(one: Existing, *, managed: bool = False) -> SeenSubscription:
    return SeenSubscription(
        id=one.id,
        payload_version=one.payload_version,
        destination_id=one.destination_id,
        directive=canonical(one.directive),
        managed=managed,
    )


def _first_id(action: Action) -> str | None:
    return action.existing[0].id if action.existing else None


def _worth_another_look(exc: SpApiError) -> bool:
    return exc.status == 409 or isinstance(exc, SpApiRetryableError)
