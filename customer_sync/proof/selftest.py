"""The tests of a configuration, carried out by the stages of a run; Brevo is not asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from customer_sync.brevo.values import value_from
from customer_sync.config import Config, ConfigProblem, InvalidConfig, PlacedCase
from customer_sync.config.problems import shown
from customer_sync.core.attributes import compare_attributes
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import Attribute, Place, Record, Rejection, Value
from customer_sync.core.proving.cases import Case, Expected, Held, Told, Verdict, compare, described
from customer_sync.core.proving.trial import Trial, UnclearCase
from customer_sync.core.validate import EventValidator
from customer_sync.errors import PlanRefused, SourceError
from customer_sync.event_schema import event_schema
from customer_sync.platforms.format import Format, Sample
from customer_sync.platforms.recognise import recognise
from customer_sync.platforms.wanting import wanted
from customer_sync.privacy import mask_text

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""When the first of the earlier runs took place; the others follow day by day."""
NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""When what is tested was said, unless it tells so itself: after everything else."""

_LONGEST = 1000
_HINT = "Correct the mapping or the options, or what the test expects."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A test, and what was wrong with it; nothing: it passed."""

    placed: PlacedCase
    complaints: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the test is called."""
        return self.placed.case.name

    @property
    def has_passed(self) -> bool:
        """Tell whether everything came as expected."""
        return not self.complaints


def try_all(config: Config) -> tuple[Tried, ...]:
    """Carry out the tests of *config*, in the order of the file.

    Attributes have the types that the mapping gives them. What only an account knows, such as the
    options of a category, is not looked at. Addresses are masked in what the complaints say.
    """
    if not config.cases:
        return ()
    bench = _Bench(config)
    return tuple(bench.tried(placed) for placed in config.cases)


def problems_of(config: Config, tried: tuple[Tried, ...]) -> tuple[ConfigProblem, ...]:
    """Return a problem for each test that failed, at what it expects."""
    return tuple(
        ConfigProblem(
            path=config.path,
            line=one.placed.line,
            column=one.placed.column,
            pointer=one.placed.pointer,
            message=shown(
                f"The test “{one.name}” fails: {' '.join(one.complaints)}", longest=_LONGEST
            ),
            hint=_HINT,
        )
        for one in tried
        if not one.has_passed
    )


def refuse_failing(config: Config) -> None:
    """Make sure that all tests of *config* pass.

    Raises:
        InvalidConfig: some do not; every one of them is told.
    """
    if problems := problems_of(config, try_all(config)):
        raise InvalidConfig(config.path, problems)


class _Bench:
    """What all tests of a configuration share."""

    def __init__(self, config: Config) -> None:
        self._config = config
        found = compare_attributes(config.rules, config.policy, {})
        self._attributes = {one.name: Attribute(name=one.name, type=one.wanted) for one in found}
        self._mapper = Mapper(config.rules, self._attributes, default_region=config.default_region)
        self._validator = EventValidator(event_schema())
        self._wanted = wanted(
            config.rules,
            include_guests=config.include_guests,
            consent_field=config.consent_field,
        )

    def tried(self, placed: PlacedCase) -> Tried:
        """Carry out one test."""
        try:
            complaints = self._complaints(placed.case, line=placed.line)
        except (UnclearCase, SourceError, PlanRefused) as error:
            complaints = (str(error),)
        return Tried(placed=placed, complaints=tuple(map(mask_text, complaints)))

    def _complaints(self, case: Case, *, line: int) -> tuple[str, ...]:
        trial = Trial(self._validator, self._mapper, self._config.policy)
        place = Place(file=str(self._config.path), line=line)
        for number, told in enumerate(case.before):
            came = trial.run(self._records(told, place, LONG_AGO + timedelta(days=number)))
            if came.verdict in {Verdict.REJECT, Verdict.IGNORE}:
                raise UnclearCase(
                    f"What entry {number + 1} of `before` tells would not be synced: "
                    f"{described(came)}."
                )
        if case.is_contact_told or not case.before:
            trial.put(None if case.contact is None else self._held(case.contact))
        came = trial.run(self._records(case.told, place, NOW))
        return compare(self._expected(case.expected), came)

    # ------------------------------------------------------------ what is read

    def _records(self, told: Told, place: Place, at: datetime) -> Iterator[Record | Rejection]:
        for content in told.contents:
            if told.is_event:
                yield Record(place=place, content=_timed(content, at), written_at=at)
            else:
                written, form = self._recognised(content)
                record = Record(place=place, content=written, written_at=at)
                yield from form.understand([record], self._wanted)

    def _recognised(self, content: Mapping[str, object]) -> tuple[Mapping[str, object], Format]:
        """Return a record as the source writes it, and the format that it is in.

        What is no record of the source's by its values may be a row of a table, whose cells are
        all text.

        Raises:
            SourceError: it looks like none of the source's.
        """
        cells = _cells(content)
        if cells is not None and cells == content:
            return cells, self._format_of(cells, columns=tuple(cells))
        try:
            return content, self._format_of(content)
        except SourceError:
            if cells is None:
                raise
            return cells, self._format_of(cells, columns=tuple(cells))

    def _format_of(self, content: Mapping[str, object], *, columns: tuple[str, ...] = ()) -> Format:
        sample = Sample(name="The record of the test", columns=columns, contents=(content,))
        return recognise(sample, source=self._config.source).format

    # ------------------------------------------------------------ what Brevo holds

    def _held(self, held: Held) -> Held:
        return replace(held, attributes=self._as_held(held.attributes))

    def _expected(self, expected: Expected) -> Expected:
        return replace(expected, attributes=self._as_held(expected.attributes))

    def _as_held(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        return {
            name: value_from(
                name,
                list(value) if isinstance(value, tuple) else value,
                self._attributes.get(name),
            )
            for name, value in attributes.items()
        }


def _timed(event: Mapping[str, object], at: datetime) -> Mapping[str, object]:
    """Return *event* with a time, where it tells none."""
    return event if "timestamp" in event else {**event, "timestamp": at.isoformat()}


def _cells(content: Mapping[str, object]) -> dict[str, str] | None:
    """Return *content* as a row of a table, or None where there is more in it than one has."""
    cells: dict[str, str] = {}
    for name, value in content.items():
        match value:
            case None:
                cells[name] = ""
            case bool():
                cells[name] = "true" if value else "false"
            case str() | int() | float():
                cells[name] = str(value)
            case _:
                return None
    return cells
