"""Which Brevo a command talks to: the embedded sandbox, or the account that the key opens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import httpx

from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.exchange import RequestObserver
from customer_sync.brevo.throttle import Throttle
from customer_sync.clock import Clock, SimulatedClock, SystemClock
from customer_sync.config import Config, Target
from customer_sync.core.model import AttributeType, RatePlan
from customer_sync.core.values.fields import standard_type

if TYPE_CHECKING:
    from customer_sync.sandbox import Sandbox

T = TypeVar("T")

BREVO_URL = "https://api.brevo.com/v3"
"""Brevo's documented base address."""

SANDBOX_URL = "http://sandbox.invalid/v3"
"""An address that no resolver knows: nothing but the transport in this process answers there."""

SANDBOX_FILE = "brevo-sandbox.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How a command reaches Brevo, before any request."""

    config: Config
    state: Path
    """The folder of the state; the sandbox keeps its file there too."""
    environ: Mapping[str, str]

    @property
    def is_sandbox(self) -> bool:
        """Tell whether nothing of this leaves the machine."""
        return self.config.brevo.target is Target.SANDBOX

    def clock(self) -> Clock:
        """Return the clock to live by.

        With the embedded sandbox waits take no time; its time goes on where it had got to, which
        may be ahead of ours.
        """
        system = SystemClock()
        if not self.is_sandbox:
            return system
        if not (self.state / SANDBOX_FILE).exists():
            return SimulatedClock(system.now())
        with open_sandbox(self.state, system) as sandbox:
            return SimulatedClock(max(system.now(), sandbox.now()))

    @asynccontextmanager
    async def open(
        self,
        clock: Clock,
        *,
        on_request: RequestObserver = lambda _event: None,
        deadline: float = float("inf"),
    ) -> AsyncIterator[BrevoClient]:
        """Open a client, to be used in an event loop of *clock*.

        Raises:
            ConfigError: the key is missing or cannot be one.
        """
        brevo = self.config.brevo
        throttle = Throttle(brevo.plan, clock, headroom=brevo.headroom)
        if not self.is_sandbox:
            key = self.config.api_key(self.environ).reveal()
            async with BrevoClient(
                brevo.base_url or BREVO_URL,
                key,
                throttle=throttle,
                clock=clock,
                timeout_s=brevo.timeout_s,
                deadline=deadline,
                on_request=on_request,
            ) as client:
                yield client
            return
        with open_sandbox(self.state, clock) as sandbox:
            fit_sandbox(sandbox, self.config)
            async with embedded_client(
                sandbox, clock, throttle=throttle, deadline=deadline, on_request=on_request
            ) as client:
                yield client


def with_account(connection: Connection, work: Callable[[BrevoClient], Awaitable[T]]) -> T:
    """Do *work* with the account that *connection* leads to.

    Raises:
        ConfigError: the key is missing or cannot be one.
        BrevoError: whatever *work* raises.
    """
    clock = connection.clock()

    async def working() -> T:
        async with connection.open(clock) as client:
            return await work(client)

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        return runner.run(working())


def state_file(target: Target) -> str:
    """Return the name of the state's file: a rehearsal's memory is not that of the real thing."""
    return f"state-{target}.db"


def embedded_client(
    sandbox: "Sandbox",
    clock: Clock,
    *,
    throttle: Throttle | None = None,
    deadline: float = float("inf"),
    on_request: RequestObserver = lambda _event: None,
) -> BrevoClient:
    """Return a client of *sandbox* that needs no network."""
    return BrevoClient(
        SANDBOX_URL,
        "sandbox",
        throttle=throttle or Throttle(RatePlan.GENERAL, clock, headroom=0.0),
        clock=clock,
        transport=httpx.ASGITransport(app=sandbox.app),
        deadline=deadline,
        on_request=on_request,
    )


def open_sandbox(state: Path, clock: Clock) -> "Sandbox":
    """Open the embedded sandbox of a state folder."""
    from customer_sync.sandbox import Sandbox  # noqa: PLC0415 - a live account needs none

    return Sandbox(state / SANDBOX_FILE, clock=clock)


def fit_sandbox(sandbox: "Sandbox", config: Config) -> None:
    """Give the embedded account what the configuration writes to, as a merchant would have."""
    policy = config.policy
    lists = {} if policy.list_id is None else {policy.list_id: "Customers"}
    attributes = {
        rule.attribute: rule.type or standard_type(rule.field)
        for rule in config.rules
        if rule.attribute != "EMAIL"
    }
    if policy.deleted_attribute:
        attributes[policy.deleted_attribute] = AttributeType.BOOLEAN
    sandbox.ensure(lists=lists)
    for name, kind in attributes.items():
        # One that exists with another type is the run's to refuse.
        with contextlib.suppress(ValueError):
            sandbox.ensure(attributes={name: kind})
