"""What nobody outside Brevo knows for certain: named switches, the likelier answer as default."""

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What a value does that may or may not mean *empty*."""

    CLEAR = "clear"
    IGNORE = "ignore"


class Oddity(StrEnum):
    """What happens to a value that an attribute cannot hold."""

    DROP = "drop"
    """The value vanishes, the request succeeds."""
    REJECT = "reject"
    """The request is answered with 400."""


class DateTimes(StrEnum):
    """What a date attribute makes of a value with a time of day."""

    DROP = "drop"
    TRUNCATE = "truncate"


class CategoryReads(StrEnum):
    """How a category attribute reads back."""

    LABEL = "label"
    ID = "id"


class CategoryWrites(StrEnum):
    """What a category attribute can be written with."""

    BOTH = "both"
    LABEL = "label"
    ID = "id"


class DuplicateCode(StrEnum):
    """The code of an update that collides with another contact."""

    DUPLICATE_PARAMETER = "duplicate_parameter"
    INVALID_PARAMETER = "invalid_parameter"


class TooManyBody(StrEnum):
    """What the body of a 429 looks like."""

    CODE = "code"
    """`code` and `message`."""
    MESSAGE = "message"
    """`message` alone; the published description does not require more."""
    TEXT = "text"
    """Plain text, as gateways answer."""
    EMPTY = "empty"


class LimitHeaders(StrEnum):
    """Which window the rate-limit headers describe on a route that has two."""

    SECOND = "second"
    HOUR = "hour"
    MISSING = "missing"


class LimitPool(StrEnum):
    """What shares the requests-per-second limit of the contacts family."""

    SHARED = "shared"
    PER_ROUTE = "per_route"


class ImportFalse(StrEnum):
    """What a JSON `false` does in an import."""

    COUNTS_AS_EMPTY = "counts_as_empty"
    """It leaves what is stored, or erases it where the job says that empty fields erase."""
    STORED = "stored"


class DateOrder(StrEnum):
    """How the account reads dates in files that are not ISO; the value is Brevo's `dateFormat`."""

    YEAR_FIRST = "yyyy-mm-dd"
    DAY_FIRST = "dd-mm-yyyy"
    MONTH_FIRST = "mm-dd-yyyy"


class Excess(StrEnum):
    """What a page limit above the maximum gets."""

    REJECT = "reject"
    CLAMP = "clamp"


class UnknownList(StrEnum):
    """What an unknown id in `listIds` does to the request that names it."""

    REJECT = "reject"
    IGNORE = "ignore"


class BatchConflict(StrEnum):
    """What an identifier that belongs to somebody else does to a batch."""

    FAIL_ALL = "fail_all"
    SKIP_ROW = "skip_row"


class NotifyBody(StrEnum):
    """What the call to `notifyUrl` carries; no source describes it."""

    PROCESS = "process"
    """`{"process": id, "status": ...}`."""
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One switch for each behaviour that is a recollection or a guess.

    Every field says what it decides; what is documented or was seen has no switch.
    """

    # ---- limits
    extended_requests_per_hour: int = 216_000
    """The contacts family on the extended plan; only its requests per second are published."""
    bare_contacts_is_limited_alike: bool = True
    """Whether `/contacts` itself is in the contacts family, as everything beneath it is."""
    limit_pool: LimitPool = LimitPool.SHARED
    limit_headers: LimitHeaders = LimitHeaders.SECOND
    """A refusal always describes the window that was exceeded, unless headers are missing."""
    limit_headers_gap: float = 0.0
    """Share of answers that come without the headers although their route has them."""
    too_many_body: TooManyBody = TooManyBody.CODE

    # ---- codes and statuses
    update_conflict_code: DuplicateCode = DuplicateCode.DUPLICATE_PARAMETER
    """PUT, or an upsert that renames; since spring 2026 `invalid_parameter` was seen as well."""
    invalid_phone_code: str = "invalid_parameter"
    """The code of the 400 for a number that is no phone; only its message was seen."""
    invalid_email_message: str = "Invalid email address"
    """The words of the 400 for an address that is none."""
    invalid_date_code: str = "invalid_parameter"
    """The code of the 400 for a bad date, where it is refused."""
    unknown_contact_write_status: int = 404
    """PUT and DELETE of an unknown contact; GET is known to answer 404."""
    unknown_list_write: UnknownList = UnknownList.REJECT
    unknown_list_write_status: int = 400
    """For `listIds` in a body, where rejected."""
    unknown_list_path_status: int = 404
    """For a list id in a path."""
    all_failed_removal_is_refused: bool = True
    """Whether removing from a list answers 400 when no item could be removed, as adding does."""
    batch_index_base: int = 0
    """What the first position in `No contact found for indexes` is called."""
    early_code: str = "account_in_process"
    """The code of an (injected) 425."""

    # ---- contacts
    lower_cases_email: bool = True
    """Whether addresses are stored in lower case; they are compared without regard to it then."""
    phone_identifiers_suffice: bool = True
    """Whether WHATSAPP or LANDLINE_NUMBER alone makes a contact, as SMS does."""
    upsert_keeps_absent_flags: bool = True
    """Whether an upsert without block flags leaves them; otherwise it resets them."""
    null_value: Effect = Effect.IGNORE
    """`null` for an attribute."""
    empty_string_elsewhere: Effect = Effect.CLEAR
    """`""` for a date, number, boolean, category or multiple choice; for text it clears."""
    empty_choice: Effect = Effect.CLEAR
    """`[]` for a multiple choice."""
    unknown_option: Oddity = Oddity.DROP
    """An option that a multiple choice or category does not have."""
    unknown_attribute: Oddity = Oddity.DROP
    """An attribute that the account does not have."""
    bad_date: Oddity = Oddity.DROP
    """A text that is no date; documented as dropped, seen refused in 2023."""
    date_times: DateTimes = DateTimes.DROP
    category_reads: CategoryReads = CategoryReads.LABEL
    category_writes: CategoryWrites = CategoryWrites.BOTH
    text_length_cap: int | None = None
    """The longest text that is taken; longer ones are answered with 400."""
    rename_flag_wins: bool = True
    """Whether `emailBlacklisted` in the call that renames holds, or the rename lifts the block."""
    deletion_frees_phone_after: float = 0.0
    """Seconds for which the numbers of a deleted contact stay taken."""
    ext_id_at_top: bool = False
    """Whether a contact also shows `ext_id` beside its attributes."""

    list_moves_modify: bool = True
    """Whether the list routes move `modifiedAt` of the contacts that they add or remove."""
    joining_undoes_leaving: bool = True
    """Whether the API puts a contact back on a list that the person left by a link in a mail."""

    # ---- reading
    since_is_inclusive: bool = True
    """Whether `modifiedSince` and `createdSince` include the moment itself."""
    excess_page_limit: Excess = Excess.REJECT

    # ---- batch
    batch_cap: int | None = 1000
    """Items in one batch; no source names a cap."""
    batch_conflict: BatchConflict = BatchConflict.FAIL_ALL

    # ---- import
    import_false: ImportFalse = ImportFalse.COUNTS_AS_EMPTY
    import_csv_booleans: bool = False
    """Whether the texts true, false, 1 and 0 set a boolean attribute from a CSV."""
    import_csv_choices_by_comma: bool = True
    """Whether a CSV field sets a multiple choice, its options parted by commas."""
    import_unblocks: bool = False
    """Whether `emailBlacklist: false`, given explicitly, lifts blocks of existing contacts."""
    import_lists_unchanged_contacts: bool = True
    """Whether contacts that a job must not update are still put on its lists."""
    import_empties_absent: bool = False
    """Whether `emptyContactsAttributes` also erases what a row does not mention at all."""
    import_renames: bool = False
    """Whether a row found by its EXT_ID or contact id takes the row's address."""
    import_date_order: DateOrder = DateOrder.DAY_FIRST
    """For slashed dates; ISO is always understood."""
    parallel_imports: int | None = None
    """How many jobs run at a time; None: as many as there are."""
    notify_body: NotifyBody = NotifyBody.PROCESS

    # ---- attributes
    attribute_quota: int | None = None
    """How many attributes an account may have."""
    newer_account_attributes: bool = False
    """Whether a fresh account has OPT_IN, DOUBLE_OPT-IN, CONTACT_TIMEZONE, JOB_TITLE, LINKEDIN."""
