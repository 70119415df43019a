"""The transforms of a mapping's entry: known, with a fitting argument, in an order that works."""

from collections.abc import Iterable, Iterator

from customer_sync.config.findings import Findings
from customer_sync.config.problems import listed, nearest, quoted
from customer_sync.config.syntax import Path
from customer_sync.core.model import AttributeType, Step
from customer_sync.core.values.steps import problems_of
from customer_sync.core.values.transforms import TRANSFORMS

Placed = tuple[Path, Step]


def read_steps(
    value: object, at: Path, attribute_type: AttributeType | None, findings: Findings
) -> tuple[Step, ...]:
    """Return the steps that *value*, found at *at*, lists: a name, `name: argument`, or several.

    What is wrong with a single step is told at its own place, what is wrong with their order, or
    with the last one and *attribute_type*, at the place of all.
    """
    placed = list(_placed(value, at, findings))
    sound = [_is_sound(place, step, findings) for place, step in placed]
    if not all(sound):
        return ()
    steps = tuple(step for _, step in placed)
    for sentence in problems_of(steps, attribute_type):
        findings.add(at, sentence, "Change the transforms, their order, or the attribute's type.")
    return steps


def stand_ins(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the names of those *steps* that give customers without a value one and the same."""
    return tuple(step.name for step in steps if TRANSFORMS[step.name].meets_empty)


def _placed(value: object, at: Path, findings: Findings) -> Iterator[Placed]:
    items = [(at, value)]
    if isinstance(value, list):
        items = [((*at, index), item) for index, item in enumerate(value)]
    for place, item in items:
        if findings.is_spoiled(place):
            continue
        if isinstance(item, str):
            yield place, Step(name=item.strip())
        elif isinstance(item, dict):
            for name, argument in item.items():
                yield (*place, name), Step(name=name, argument=_frozen(argument))


def _frozen(argument: object) -> object:
    return tuple(argument) if isinstance(argument, list) else argument


def _is_sound(place: Path, step: Step, findings: Findings) -> bool:
    complaint = _complaint(step)
    if complaint is not None:
        findings.add(place, *complaint)
    return complaint is None


def _complaint(step: Step) -> tuple[str, str] | None:
    """Return what is wrong with *step* by itself, and what to do."""
    transform = TRANSFORMS.get(step.name)
    if transform is None:
        near = nearest(step.name, TRANSFORMS)
        hint = f"Did you mean `{near}`?" if near else f"There are {listed(TRANSFORMS, last='and')}."
        return f"There is no transform {quoted(step.name)}.", hint
    if not _is_simple(step.argument):
        return (
            f"The argument of {step.name} must be a single value or a list of texts.",
            f"Write it behind the colon, as in `{step.name}: …`.",
        )
    for sentence in problems_of([step], None):
        return sentence, transform.argument_doc or f"Write only `{step.name}`. {transform.doc}"
    return None


def _is_simple(argument: object) -> bool:
    parts = argument if isinstance(argument, tuple) else (argument,)
    return all(part is None or isinstance(part, str | int | float | bool) for part in parts)
