"""Options that several commands share, declared once: as the parameters of what they make."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def spread(name: str, make: Callable[..., object]) -> Callable[[Callable[..., None]], Any]:
    """Return a decorator that puts the options of `make` in place of a command's parameter.

    The command then takes what `make` returns, and its users see the options that `make` takes.

    Args:
        name: The command's parameter.
        make: Takes keyword arguments only, each an option with a default.
    """
    options = list(inspect.signature(make, eval_str=True).parameters.values())
    names = {each.name for each in options}

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapper(**given: Any) -> None:
            made = make(**{each: given.pop(each) for each in names})
            command(**given, **{name: made})

        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for each in signature.parameters.values():
            parameters += options if each.name == name else [each]
        wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return wrapper

    return decorated
