from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from gateway.erasures import Erasure, ErasureState, SubjectKind
from gateway.identifiers import ReferenceKind
from gateway.model import Arrival, HandlingState, Owed
from gateway.retention.asking import new_erasure
from gateway.retention.counting import Counting
from gateway.retention.erasing import ErasureRunner, Ground, looking
from gateway.retention.finding import Finding
from gateway.retention.subject import Mentions
from gateway.store import Store
from gateway.store.documents import StoredDocument
from tests.conformance.store.world import HANDLER, FakeSealer, World

ORDER = "902-0000001-0000001"
OTHER = "902-0000002-0000002"
NAME = "Erika Mustermann"
TABLES = (
    "notifications",
    "notification_refs",
    "receipts",
    "handlings",
    "events",
    "deliveries",
    "attempts",
    "quarantine",
    "documents",
    "memories",
    "audit_log",
    "operations",
    "erasures",
    "once_keys",
    "sightings",
)


class Papers:
    """Bytes by document, those that were deleted, and those that are left."""

    def __init__(self) -> None:
        self.bytes: dict[str, bytes] = {}
        self.deleted: list[str] = []

    async def text(self, document_id: str) -> AsyncIterator[bytes]:
        whole = self.bytes[document_id]
        for at in range(0, len(whole), 7):
            yield whole[at : at + 7]

    async def delete_bytes(self, place: str) -> None:
        self.deleted.append(place)


class Shelves:
    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    async def erase(self, mentions: Mentions, places: Sequence[str], *, dry_run: bool) -> int:
        del mentions
        if not dry_run:
            self.asked.append(places)
        return 2


class Erasing:
    def __init__(self, world: World, store: Store) -> None:
        self.world, self.store = world, store
        self.papers, self.shelves = Papers(), Shelves()

    def ground(self) -> Ground:
        return Ground(
            kept=self.store.erasures,
            store=self.store.erasing,
            finding=Finding(FakeSealer()),
            papers=self.papers,
            shelves=self.shelves,
            files=self.store.space,
            rewrite_bytes=1 << 40,
        )

    def runner(self) -> ErasureRunner:
        return ErasureRunner(self.ground(), self.world.clock)

    def counting(self) -> Counting:
        return Counting(looking(self.ground()), self.shelves, self.world.clock)

    def asked(self, kind: SubjectKind, value: str) -> Erasure:
        return new_erasure({kind: value}, ("extra/",), self.world.clock.at_ms)

    async def erase(self, kind: SubjectKind, value: str) -> Erasure:
        erasure = self.asked(kind, value)
        await self.store.erasures.start(erasure)
        runner = self.runner()
        while (found := await self.store.erasures.get(erasure.id)).state is ErasureState.RUNNING:
            await runner.tick()
        return found

    async def holds(self, *texts: str) -> list[str]:
        """Return the tables in which any of the texts stand."""
        found = []
        for table in TABLES:
            rows = await self.world.rows(f"SELECT * FROM {table}")
            plain = [
                v if isinstance(v, str) else bytes(v).decode("utf-8", "replace")
                for row in rows
                for v in row
                if isinstance(v, str | bytes)
            ]
            if any(text in value for text in texts for value in plain):
                found.append(table)
        return found


@pytest.fixture
def erasing(world: World, store: Store) -> Erasing:
    return Erasing(world, store)


def _about(world: World, order: str, name: str = "", seller: str = "A1") -> Arrival:
    body = f'{{"AmazonOrderId":"{order}","buyer":"{name}"}}'.encode()
    arrival = world.arrival(
        seller=seller, body=body, owed=[Owed(handler=HANDLER, key=order, once=None)]
    )
    references = frozenset({(ReferenceKind.ORDER, order)})
    return replace(
        arrival, subject=order, envelope=replace(arrival.envelope, references=references)
    )


async def _lived(erasing: Erasing, order: str, name: str, seller: str = "A1") -> str:
    """Let a notification come, be handled with a document, and be delivered; return its id."""
    world = erasing.world
    arrival = _about(world, order, name, seller)
    await world.accept(arrival)
    await world.accept(replace(arrival, id=f"{arrival.id}b", message_id=f"sqs-{order}"))
    (claimed,) = (await world.claim()).items
    event = replace(
        world.event(seller=seller),
        body=f'{{"order":"{order}","name":"{name}"}}'.encode(),
    )
    await erasing.store.documents.put(
        StoredDocument(
            id=f"doc_{order}",
            name="label.pdf",
            content_type="text/plain",
            size_bytes=1,
            sha256="",
            seller_id=seller,
            handling_id=claimed.id,
            place=f"2027-01-15/{order}",
            key=b"k" * 32,
            created_at_ms=world.clock.at_ms,
        )
    )
    erasing.papers.bytes[f"doc_{order}"] = f"a label for {name}".encode()
    await world.settle(world.result(claimed, events=[event]))
    (delivery,) = (await world.claim_deliveries()).items
    attempt = world.attempt(delivery)
    echoed = replace(attempt.attempt, answer=f"thanks, {name}".encode())
    await erasing.store.deliveries.settle([replace(attempt, attempt=echoed)])
    return arrival.id


@pytest.mark.parametrize("by", [SubjectKind.ORDER, SubjectKind.BUYER, SubjectKind.SELLER])
async def test_everything_of_one_goes_and_nothing_of_another(
    erasing: Erasing, by: SubjectKind
) -> None:
    await erasing.world.endpoint()
    await _lived(erasing, ORDER, NAME, "AGONE")
    kept = await _lived(erasing, OTHER, "Max Other", "ASTAYS")
    value = {"order": ORDER, "buyer": NAME, "seller": "AGONE"}[by.value]
    before = await erasing.counting().count(erasing.asked(by, value))
    assert before.complete
    counted = {"notifications", "events"}
    assert {name: before.counts[name] for name in counted} == dict.fromkeys(counted, 1)
    assert before.counts["archives"] == 2
    done = await erasing.erase(by, value)
    assert done.state is ErasureState.FINISHED
    assert done.subject is None
    gone = {"notifications": 1, "handlings": 1, "events": 1, "deliveries": 1, "documents": 1}
    assert gone.items() <= done.report.items()
    assert done.report["archives"] == 2
    assert erasing.shelves.asked == [("extra/",)]
    assert erasing.papers.deleted == [f"2027-01-15/{ORDER}"]
    assert await erasing.holds(NAME, value, f"sqs-{ORDER}") == []
    assert await erasing.world.rows("SELECT notification_id FROM receipts") == [(kept,)]
    for table, count in (("handlings", 1), ("events", 1), ("deliveries", 1), ("documents", 1)):
        assert (await erasing.world.rows(f"SELECT count(*) FROM {table}"))[0][0] == count
    assert (await erasing.store.queries.notification(kept)).notification.body


async def test_what_was_erased_does_not_come_back(erasing: Erasing) -> None:
    world = erasing.world
    arrival = _about(world, ORDER, NAME)
    await world.accept(arrival)
    await erasing.erase(SubjectKind.ORDER, ORDER)
    again = replace(_about(world, ORDER, NAME), envelope=arrival.envelope)
    await world.accept(again)
    assert await erasing.holds(NAME, ORDER) == []
    assert (await world.claim()).items == []


async def test_work_in_hand_is_dropped_and_others_of_its_key_go_on(erasing: Erasing) -> None:
    """One key holds messages of two people: the second waited behind the first."""
    world = erasing.world
    first = replace(_about(world, ORDER, NAME), owed=[Owed(handler=HANDLER, key="shared")])
    second = replace(_about(world, OTHER, "Max"), owed=[Owed(handler=HANDLER, key="shared")])
    await world.accept(first)
    await world.accept(second)
    (claimed,) = (await world.claim()).items
    assert claimed.notification.id == first.id
    await erasing.erase(SubjectKind.BUYER, NAME)
    settled = await world.settle(
        world.result(claimed, HandlingState.HANDLED, events=[world.event()])
    )
    assert settled.deliveries == 0
    assert (await world.rows("SELECT count(*) FROM events"))[0][0] == 0
    (following,) = (await world.claim()).items
    assert following.notification.id == second.id


async def test_quarantine_memories_and_the_log_are_looked_through(erasing: Erasing) -> None:
    world = erasing.world
    await world.accept(world.unreadable("m1", NAME.encode()), world.unreadable("m2", b"Max"))
    await world.change(
        "INSERT INTO memories (handler, lane, name, value, day) VALUES ('h', 'A1', $1, $2, 1)",
        ORDER,
        NAME.encode(),
    )
    await world.change(
        "INSERT INTO audit_log (id, at_ms, actor, action, changes) VALUES ('aud_1', 1, 'a', 'b', $1)",
        f'{{"name": "{NAME}"}}',
    )
    done = await erasing.erase(SubjectKind.BUYER, NAME)
    assert {"quarantine": 1, "memories": 1, "audit_log": 1}.items() <= done.report.items()
    assert await erasing.holds(NAME) == []
    assert (await world.rows("SELECT count(*) FROM quarantine"))[0][0] == 1
    assert (await world.rows("SELECT action FROM audit_log"))[0][0] == "b"


async def test_a_killed_erasure_goes_on_where_it_was(erasing: Erasing) -> None:
    """Whoever holds the lease dies after each step in turn; the next one brings it to its end."""
    world, store = erasing.world, erasing.store
    await world.endpoint()
    await _lived(erasing, ORDER, NAME)
    erasure = erasing.asked(SubjectKind.BUYER, NAME)
    await store.erasures.start(erasure)
    for token in range(1, 100):
        claimed = await store.erasures.claim(token, lease_ms=1_000)
        if not claimed:
            break
        runner = erasing.runner()
        runner._token = token
        await runner._step(claimed[0], Mentions(claimed[0].subject))  # type: ignore[arg-type]
        assert await runner._step(claimed[0], Mentions(claimed[0].subject)) is None  # type: ignore[arg-type]
        world.clock.at_ms += 1_001
    assert (await store.erasures.get(erasure.id)).report["notifications"] == 1
    assert await erasing.holds(NAME) == []


async def test_a_body_that_can_not_be_opened_fails_it_and_it_is_gone_on_with(
    erasing: Erasing,
) -> None:
    world = erasing.world
    await world.accept(world.unreadable("m1", NAME.encode()))
    ((sealed,),) = await world.rows("SELECT body FROM quarantine")
    await world.change("UPDATE quarantine SET body = $1", b"lost")
    failed = await erasing.erase(SubjectKind.BUYER, NAME)
    assert failed.state is ErasureState.FAILED
    assert "key" in (failed.last_error or "")
    assert NAME not in (failed.last_error or "")
    await world.change("UPDATE quarantine SET body = $1", sealed)
    await erasing.store.erasures.resume(failed.id)
    while (found := await erasing.store.erasures.get(failed.id)).state is ErasureState.RUNNING:
        await erasing.runner().tick()
        world.clock.at_ms += 60_001
    assert found.state is ErasureState.FINISHED
    assert found.report["quarantine"] == 1
