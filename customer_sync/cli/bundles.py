"""Lets commands share a block of options, which each of them takes as one value."""

import functools
import inspect
from collections.abc import Callable
from typing import TypeAlias

Command: TypeAlias = Callable[..., int]


def bundled(**builders: Callable[..., object]) -> Callable[[Command], Command]:
    """Return what puts the options of *builders* into a command's signature.

    They stand in the place of the parameter that has a builder's name, and the command is given
    there what the builder makes of them.
    """

    def spread(command: Command) -> Command:
        blocks = {name: _parameters(builder) for name, builder in builders.items()}
        own = inspect.signature(command)

        @functools.wraps(command)
        def called(**options: object) -> int:
            for name, builder in builders.items():
                given = {one.name: options.pop(one.name) for one in blocks[name]}
                options[name] = builder(**given)
            return command(**options)

        spread_out = [
            one for name, own_one in own.parameters.items() for one in blocks.get(name, (own_one,))
        ]
        called.__signature__ = own.replace(parameters=spread_out)  # type: ignore[attr-defined] # as inspect reads it
        return called

    return spread


def _parameters(builder: Callable[..., object]) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(builder).parameters.values())
