"""Phone numbers in E.164, the one form in which they can be compared and dialled from anywhere."""

import phonenumbers

from customer_sync.core.values.numbering import plain_e164
from customer_sync.core.values.transform_error import TransformError

SUPPORTED_REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""ISO 3166 codes that a national number can be completed with."""


def e164(text: str, *, region: str | None) -> str:
    """Return *text* as `+` and digits.

    A number with its country code (`+` or `00` first) needs no guess, so it only has to be
    *possible*: of a length that its country uses for whole numbers. Asking for a *valid* one would
    turn away ranges that the library does not know (yet) and those reserved for fiction, such as
    +44 7700 900000 to 900999.

    A national number is completed with *region*, which may be the wrong one for this customer, so
    it has to be *valid* there: a range that is really in use.

    An extension cannot be told in E.164, and without it somebody else answers, so it is refused.

    Raises:
        TransformError: the number is none, or not certain.
    """
    written = text.strip()
    if written.startswith("00"):
        written = "+" + written[2:]
    return plain_e164(written, region) or parsed_e164(written, region)


def parsed_e164(written: str, region: str | None) -> str:
    """Return what `e164` does, of any number.

    Raises:
        TransformError: the number is none, or not certain.
    """
    number = _parse(written, region)
    if number.extension:
        raise TransformError("it has an extension, which E.164 cannot carry")
    if _has_country_code(number):
        is_certain = (
            phonenumbers.is_possible_number_with_reason(number)
            == phonenumbers.ValidationResult.IS_POSSIBLE
        )
    else:
        is_certain = phonenumbers.is_valid_number(number)
    if not is_certain:
        raise TransformError(_doubt(number, region))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parse(written: str, region: str | None) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(written, region, keep_raw_input=True)
    except phonenumbers.NumberParseException as error:
        if error.error_type != phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise TransformError("it is not a phone number") from error
        if written.startswith("+"):
            raise TransformError("its country code does not exist") from error
        raise TransformError(
            "it has no country code; write it with + and the country code, or set default_region"
        ) from error


def _has_country_code(number: phonenumbers.PhoneNumber) -> bool:
    return number.country_code_source in {
        phonenumbers.CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
        phonenumbers.CountryCodeSource.FROM_NUMBER_WITH_IDD,
    }


def _doubt(number: phonenumbers.PhoneNumber, region: str | None) -> str:
    if _has_country_code(number):
        return f"it is too short or too long for the country code +{number.country_code}"
    return f"it is no number in use in {region}; write it with + and the country code"
