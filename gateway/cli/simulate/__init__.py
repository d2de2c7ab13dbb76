"""`gateway simulate`: a local SQS, LWA and SP-API, and what a running one is told."""

from __future__ import annotations

from gateway.cli.invocation import new_app
from gateway.cli.simulate import faults, scenario, send, serve

__all__ = ["app"]

app = new_app()


@app.callback()
def simulate() -> None:
    """Run a local SQS and SP-API to develop against."""


app.command("serve")(serve.serve)
app.command("send")(send.send)
app.command("scenario")(scenario.scenario)
app.command("orders")(scenario.orders)
app.add_typer(faults.app, name="faults")
