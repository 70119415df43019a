"""What every request under /v3 goes through: counted, let in, limited, troubled, answered."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from customer_sync.sandbox import faults, limits, traffic
from customer_sync.sandbox.account import Account, Answer, Call
from customer_sync.sandbox.errors import BrevoFault, unauthorized, unknown_ip
from customer_sync.sandbox.faults import Trouble
from customer_sync.sandbox.storage import savepoint

Operation: TypeAlias = Callable[[Call], Answer]


def receive(
    call: Call, operation: Operation, *, method: str, path: str, key: str | None
) -> Answer | None:
    """Return the answer to one request, None when its connection is to break.

    A request without the right key belongs to no account and is counted against no limit.
    """
    account = call.account
    number = traffic.arrive(account, method, path)
    answer = _answer(call, operation, number, path=path, key=key)
    traffic.leave(account, number, None if answer is None else answer.status)
    return answer


def _answer(
    call: Call, operation: Operation, number: int, *, path: str, key: str | None
) -> Answer | None:
    account = call.account
    if not _is_let_in(account, key):
        return _refusal(unauthorized())
    if not account.settings.knows_ip:
        return _refusal(unknown_ip())
    draw = faults.chance(account, number)
    windows = limits.take(account, path)
    headers = limits.headers(account, windows, draw)
    if any(window.is_exceeded for window in windows):
        return _with_headers(limits.too_many(account), headers)
    trouble = faults.next_trouble(account, draw)
    if trouble is None:
        return _with_headers(_operate(call, operation), headers)
    if trouble.after_effect:
        _operate(call, operation)
    return _troubled(account, trouble, headers)


def _is_let_in(account: Account, key: str | None) -> bool:
    wanted = account.settings.api_key
    return bool(key) if wanted is None else key == wanted


def _operate(call: Call, operation: Operation) -> Answer:
    try:
        with savepoint(call.account.db):
            return operation(call)
    except BrevoFault as fault:
        return _refusal(fault)


def _refusal(fault: BrevoFault) -> Answer:
    return Answer(status=fault.status, content=fault.body(), headers=fault.headers)


def _troubled(account: Account, trouble: Trouble, headers: dict[str, str]) -> Answer | None:
    """Gateways know nothing of the limits; an injected 429 says that nothing is left."""
    answer = trouble.answer(account)
    if answer is None or answer.text is not None or not headers:
        return answer
    spent = {"x-sib-ratelimit-remaining": "0"} if answer.status == 429 else {}
    return _with_headers(answer, {**headers, **spent})


def _with_headers(answer: Answer, headers: dict[str, str]) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})
