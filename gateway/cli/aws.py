"""`gateway aws`: the queue's side in your AWS account made, judged, and taken away again.

It shows what it would do, and asks before it changes anything that exists; `--yes` answers for
scripts. Credentials are found as by every tool of AWS's: environment, profile, role.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
import typer

from gateway.aws.address import account_in, elsewhere, region_in
from gateway.aws.provisioning.checks import check as judge
from gateway.aws.provisioning.clients import Clients, clients_beside
from gateway.aws.provisioning.reading import account_of, read
from gateway.aws.provisioning.setup import setup_plan
from gateway.aws.provisioning.steps import Plan, Step, take
from gateway.aws.provisioning.teardown import teardown_plan
from gateway.aws.provisioning.wanted import Wanted
from gateway.cli.context import settings_of
from gateway.cli.invocation import Invocation, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.verdict import verdict
from gateway.errors import InvalidInputError
from gateway.findings import worst
from gateway.settings import Settings

app = new_app()

Queue = Annotated[
    str | None, typer.Option(help="Name or URL; without it, the one queue of the settings.")
]
Region = Annotated[
    str | None, typer.Option(help="Without it, the URL's, else that of AWS's configuration.")
]
EventSource = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Partner event source, for the types that come over EventBridge: "
        "aws.partner/sellingpartnerapi.amazon.com/ACCOUNT/APPLICATION-ID.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the calls and make none.")]
Yes = Annotated[bool, typer.Option("--yes", help="Change what exists without asking.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """The queue that a command is about, and where.

    Attributes:
        account: Twelve digits, where its URL says so.
        sqs_endpoint: Where SQS is, instead of at AWS.
    """

    name: str
    region: str | None
    account: str | None
    sqs_endpoint: str | None


@app.callback()
def aws() -> None:
    """Make, check and take away the queue's side in your AWS account."""


@app.command()
def setup(  # noqa: PLR0913 its options, named
    ctx: typer.Context,
    *,
    queue: Queue = None,
    region: Region = None,
    kms_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="Customer-managed key that new queues are encrypted with."
        ),
    ] = None,
    event_source: EventSource = None,
    max_receives: Annotated[
        int, typer.Option(min=1, max=1000, help="Receives before a message is a dead letter.")
    ] = 100,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Make what Amazon needs to send notifications: queue, policies, dead letters, bus and rule."""
    invocation = invocation_of(ctx)
    clients, account, aim = _opened(invocation, queue, region)
    wanted = Wanted(
        queue=aim.name,
        region=clients.region or "",
        account=account,
        kms_key=kms_key,
        event_source=event_source,
        max_receives=max_receives,
    )
    plan = setup_plan(wanted, read(clients, wanted))
    _carry_out(invocation, clients, plan, dry_run=dry_run, yes=yes)
    text = f"{_done(plan, dry_run)} The queue's ARN is {wanted.queue_arn(wanted.queue)}."
    value = {
        "queue_arn": wanted.queue_arn(wanted.queue),
        "calls": [_row(step) for step in plan.steps],
        "made": not dry_run,
        "waits": list(plan.waits),
    }
    output = Output(invocation)
    output.value(value, text=text)
    for wait in plan.waits:
        output.note(f"Not done yet: {wait}.")


@app.command()
def check(
    ctx: typer.Context,
    *,
    queue: Queue = None,
    region: Region = None,
    event_source: EventSource = None,
) -> None:
    """Judge queue, policies, key, bus and rule. Exit 0: all well, 10: warnings, 11: faults."""
    invocation = invocation_of(ctx)
    clients, account, aim = _opened(invocation, queue, region)
    wanted = Wanted(
        queue=aim.name, region=clients.region or "", account=account, event_source=event_source
    )
    findings = judge(wanted, read(clients, wanted))
    rows = [asdict(finding) for finding in findings]
    Output(invocation).items(rows, columns=("level", "subject", "what", "why", "mend"))
    raise typer.Exit(verdict(worst(findings)))


@app.command()
def teardown(
    ctx: typer.Context,
    *,
    queue: Queue = None,
    region: Region = None,
    event_source: EventSource = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Take away what setup made, known by its tag, and nothing else."""
    invocation = invocation_of(ctx)
    clients, account, aim = _opened(invocation, queue, region)
    wanted = Wanted(
        queue=aim.name, region=clients.region or "", account=account, event_source=event_source
    )
    plan = teardown_plan(wanted, read(clients, wanted))
    _carry_out(invocation, clients, plan, dry_run=dry_run, yes=yes)
    value = {"calls": [_row(step) for step in plan.steps], "made": not dry_run}
    Output(invocation).value(value, text=_done(plan, dry_run))


def _opened(
    invocation: Invocation, queue: str | None, region: str | None
) -> tuple[Clients, str, Aim]:
    """Return clients of the queue's region, the account they act in, and the queue.

    Raises:
        InvalidInputError: No queue or region can be told, or the queue is another account's.
        AwsRefusedError: AWS refuses the credentials.
    """
    aim = _aim(settings_of(invocation), queue, region)
    clients = clients_beside(aim.region, aim.sqs_endpoint)
    if clients.region is None:
        raise InvalidInputError("--region: no region is known; write one such as eu-west-1")
    if aim.account is not None and aim.sqs_endpoint and elsewhere(aim.sqs_endpoint):
        return (
            clients,
            aim.account,
            aim,
        )  # an emulator may have SQS alone, and takes any credentials
    account, partition = account_of(clients)
    if partition != "aws":
        raise InvalidInputError(
            f"the credentials are of partition {partition}; Amazon takes queues of aws only"
        )
    if aim.account is not None and aim.account != account:
        raise InvalidInputError(
            f"--queue: {aim.name} is of account {aim.account}, the credentials are of {account}; "
            "use credentials of the queue's account"
        )
    return clients, account, aim


def _aim(settings: Settings, queue: str | None, region: str | None) -> Aim:
    if queue is not None and "/" not in queue:
        return Aim(name=queue, region=region, account=None, sqs_endpoint=None)
    known = {one.url: one for one in settings.queues}
    if queue is None and len(known) != 1:
        what = "no queue" if not known else f"{len(known)} queues"
        raise InvalidInputError(f"--queue: the settings have {what}; name one, such as orders")
    url = queue or next(iter(known))
    of_settings = known.get(url)
    names = [part for part in urlsplit(url).path.split("/") if part]
    if not names:
        raise InvalidInputError(f"--queue: {url!r} is no queue's URL")
    return Aim(
        name=names[-1],
        region=region or (of_settings.region if of_settings else None) or region_in(url),
        account=account_in(url),
        sqs_endpoint=(of_settings.endpoint_url if of_settings else None) or elsewhere(url),
    )


def _carry_out(
    invocation: Invocation, clients: Clients, plan: Plan, *, dry_run: bool, yes: bool
) -> None:
    """Show the steps and take them, after asking where something that exists would change."""
    output = Output(invocation)
    show = output.note if not dry_run else output.line
    if not invocation.json:
        for step in plan.steps:
            for line in _lines(step, whole=dry_run):
                show(line)
    if dry_run:
        return
    if plan.alters and not yes:
        _ask(invocation)
    for step in plan.steps:
        take(clients, step)


def _ask(invocation: Invocation) -> None:
    if invocation.json or not sys.stdin.isatty():
        raise InvalidInputError(
            "--yes: this would change what exists; look at it with --dry-run, then say --yes"
        )
    typer.confirm("Do this?", abort=True, err=True)


def _lines(step: Step, *, whole: bool) -> list[str]:
    mark = "~" if step.alters else "+"
    lines = [f"{mark} {step.service} {step.operation}: {step.why}"]
    if whole:
        lines.append(f"    {orjson.dumps(step.parameters).decode()}")
    lines += [f"    adds {orjson.dumps(statement).decode()}" for statement in step.adds]
    return lines


def _row(step: Step) -> dict[str, Any]:
    return {
        "service": step.service,
        "operation": step.operation,
        "parameters": step.parameters,
        "why": step.why,
        "alters": step.alters,
        "adds": list(step.adds),
    }


def _done(plan: Plan, dry_run: bool) -> str:
    if not plan.steps:
        return "Nothing is to be done."
    return f"{len(plan.steps)} calls {'would be made' if dry_run else 'were made'}."
