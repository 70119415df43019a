"""The numbering plans of countries, as far as plainly written phone numbers need them."""

import re
from dataclasses import dataclass
from functools import cache

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumberDesc,
    region_code_for_country_code,
)

_SHORTEST, _LONGEST = 7, 15
"""How many digits a number is sure to be taken for one with."""

_NOTHING = re.compile(r"(?!)")


def plain_e164(written: str, region: str | None) -> str | None:
    """Return a plainly written phone number in E.164; None for those that need a closer look.

    Plain is what consists of a plus sign, digits and the usual separators, in an order that leaves
    no doubt what is a prefix. The numbers are those that phonenumbers calls possible where the
    country code is written, and valid where it is not; the plans are its plans, too.
    """
    is_international = written.startswith("+")
    digits = written[1:] if is_international else written
    if not digits.isdigit():
        digits = digits.replace(" ", "").replace("-", "")
        if not is_international:
            digits = digits.replace("(", "").replace(")", "").replace(".", "")
    if not (digits.isdigit() and digits.isascii() and _SHORTEST <= len(digits) <= _LONGEST):
        return None
    if is_international:
        return _international(digits)
    return _national(digits, _plan_of(region)) if region is not None else None


# ---------------------------------------------------------------- with country code


def _international(digits: str) -> str | None:
    for size in (1, 2, 3):
        plan = _plan_of_code(digits[:size])
        if plan is not None:
            return f"+{digits}" if plan.is_possible(digits[size:]) else None
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _CodePlan:
    """What numbers behind a country code look like."""

    prefix: re.Pattern[str] | None
    """What begins so may have a national prefix that does not belong there."""
    lengths: frozenset[int]

    def is_possible(self, national: str) -> bool:
        """Tell whether *national* is a whole number as it stands; of leading zeros nobody knows."""
        if len(national) not in self.lengths or national[0] == "0":
            return False
        return self.prefix is None or self.prefix.match(national) is None


@cache
def _plan_of_code(code: str) -> _CodePlan | None:
    number = int(code)
    if number not in COUNTRY_CODE_TO_REGION_CODE:
        return None
    metadata = _metadata(number, region_code_for_country_code(number))
    return _CodePlan(
        prefix=_compiled(metadata.national_prefix_for_parsing), lengths=_lengths(metadata)
    )


def _metadata(code: int, region: str) -> PhoneMetadata:
    found = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    assert found is not None  # noqa: S101 - the library describes every region that it names
    return found


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


def _lengths(metadata: PhoneMetadata) -> frozenset[int]:
    """Return how long whole numbers are; some are shorter within their town."""
    general = metadata.general_desc
    assert general is not None  # noqa: S101 - only parts of a description may be missing
    return frozenset(general.possible_length) - frozenset(general.possible_length_local_only)


# ---------------------------------------------------------------- without


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """The numbers in use in one region."""

    leading: re.Pattern[str] | None
    """Where it is set, numbers that begin so are this region's, in use or not."""
    general: "_Kind"
    kinds: "tuple[_Kind, ...]"

    def has(self, national: str) -> bool:
        """Tell whether *national* is in use."""
        return self.general.has(national) and any(kind.has(national) for kind in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """Numbers of one kind, such as those of mobile phones."""

    lengths: frozenset[int]
    pattern: re.Pattern[str]

    def has(self, national: str) -> bool:
        """Tell whether *national* is of this kind."""
        is_long_enough = not self.lengths or len(national) in self.lengths
        return is_long_enough and self.pattern.fullmatch(national) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How people of one region write each other's numbers."""

    code: str
    abroad: re.Pattern[str] | None
    """What is dialled before a country code."""
    prefix: re.Pattern[str] | None
    """What is dialled before a number of another town."""
    rewrites: bool
    """Whether what stands behind the prefix may have to be rewritten."""
    general: re.Pattern[str]
    lengths: frozenset[int]
    sharing: tuple[_Numbers, ...]
    """All regions that have the country code."""


def _national(digits: str, plan: _Plan | None) -> str | None:
    if plan is None or digits.startswith(plan.code) or (plan.abroad and plan.abroad.match(digits)):
        return None
    national = _without_prefix(digits, plan)
    if national is None or national.startswith("0") or not _is_in_use(national, plan):
        return None
    return f"+{plan.code}{national}"


def _without_prefix(digits: str, plan: _Plan) -> str | None:
    """Return *digits* without a prefix, where there is one to be taken off; None in doubt."""
    found = plan.prefix.match(digits) if plan.prefix else None
    if found is None:
        return digits
    rest = digits[found.end() :]
    if plan.rewrites or len(rest) not in plan.lengths:
        return None
    if plan.general.fullmatch(digits) and not plan.general.fullmatch(rest):
        return digits
    return rest


def _is_in_use(national: str, plan: _Plan) -> bool:
    for numbers in plan.sharing:
        if numbers.leading:
            if numbers.leading.match(national):
                return numbers.has(national)
        elif numbers.has(national):
            return True
    return False


@cache
def _plan_of(region: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.country_code is None:
        return None
    code = metadata.country_code
    sharing = COUNTRY_CODE_TO_REGION_CODE[code]
    return _Plan(
        code=str(code),
        abroad=_compiled(metadata.international_prefix),
        prefix=_compiled(metadata.national_prefix_for_parsing),
        rewrites=bool(metadata.national_prefix_transform_rule),
        general=_kind(metadata.general_desc).pattern,
        lengths=_lengths(metadata),
        sharing=tuple(_numbers(code, one, is_alone=len(sharing) == 1) for one in sharing),
    )


def _numbers(code: int, region: str, *, is_alone: bool) -> _Numbers:
    metadata = _metadata(code, region)
    return _Numbers(
        leading=None if is_alone else _compiled(metadata.leading_digits),
        general=_kind(metadata.general_desc),
        kinds=tuple(map(_kind, _usual_first(metadata))),
    )


def _usual_first(metadata: PhoneMetadata) -> tuple[PhoneNumberDesc | None, ...]:
    """Return the kinds of numbers; in which order they are tried makes no other difference."""
    return (
        *(metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.premium_rate),
        *(metadata.shared_cost, metadata.voip, metadata.personal_number, metadata.pager),
        *(metadata.uan, metadata.voicemail),
    )


def _kind(description: PhoneNumberDesc | None) -> _Kind:
    if description is None or description.national_number_pattern is None:
        return _Kind(lengths=frozenset(), pattern=_NOTHING)
    return _Kind(
        lengths=frozenset(description.possible_length),
        pattern=re.compile(description.national_number_pattern),
    )
