"""The code of everything that can go wrong: short, stable, and never given to something else."""

from enum import StrEnum


class Code(StrEnum):
    """One kind of trouble, by the code that a person looks up.

    The hundreds tell where to look: 1 the command line and the configuration, 2 the sources,
    3 the plan, 4 Brevo, 5 the state, 6 the shop, 7 notifications, 9 the program itself. A code
    that is not used any more is not given away again.
    """

    COMMAND_LINE = "CS101"
    NO_SUCH_RUN = "CS102"
    NOT_WAITING = "CS103"
    CONDITION = "CS104"
    OPTIONS_MISSING = "CS105"
    CONFIGURATION = "CS111"
    ENVIRONMENT = "CS112"
    OTHER_TARGET = "CS113"
    FILE_EXISTS = "CS114"
    BASE_URL = "CS115"
    PACKAGE_MISSING = "CS116"
    LISTENING = "CS117"
    CLOCK = "CS118"
    NOT_WRITTEN = "CS119"
    EXTENSION = "CS120"

    SOURCE_MISSING = "CS201"
    SOURCE_UNREADABLE = "CS202"
    ENCODING = "CS203"
    NOT_TEXT = "CS204"
    NOT_RECOGNISED = "CS205"
    OTHER_PLATFORM = "CS206"
    HEADER = "CS207"
    TOO_MANY_REJECTED = "CS208"
    NO_ADDRESSES = "CS209"
    RECORD = "CS210"
    RECORD_EMAIL = "CS211"
    FIELD = "CS212"

    ACCOUNT_LACKS = "CS301"
    BLOCK_LIFTED = "CS302"
    PLAN_UNREADABLE = "CS303"
    PLAN_CHANGED = "CS304"
    DELETIONS_WITHHELD = "CS305"
    SHARDS = "CS306"

    KEY_REFUSED = "CS401"
    IP_NOT_AUTHORISED = "CS402"
    KEY_MAY_NOT = "CS403"
    BREVO_UNAVAILABLE = "CS404"
    RATE_LIMIT = "CS405"
    CONTACT_EXISTS = "CS406"
    PHONE_TAKEN = "CS407"
    ATTRIBUTE_REFUSED = "CS408"
    EMAIL_REFUSED = "CS409"
    PHONE_REFUSED = "CS410"
    LIST_GONE = "CS411"
    CONTACT_GONE = "CS412"
    REQUEST_REFUSED = "CS413"
    STRANGE_ANSWER = "CS414"
    CERTIFICATE = "CS415"
    IMPORT_UNCERTAIN = "CS416"
    IMPORT_RUNNING = "CS417"
    IMPORT_LEFT_OUT = "CS418"
    BROKEN_OFF = "CS419"
    BLOCK_LOST = "CS420"
    KEY_MALFORMED = "CS421"

    STATE_BUSY = "CS501"
    STATE_DAMAGED = "CS502"
    STATE_UNUSABLE = "CS503"
    STATE_NEWER = "CS504"
    STATE_BEING_READ = "CS505"
    NO_ROOM = "CS506"
    SANDBOX_FILE = "CS507"
    INBOX_FULL = "CS508"
    WORKER_LOST = "CS509"

    SHOP_UNSET = "CS601"
    SHOP_KEY = "CS602"
    SHOP_UNAVAILABLE = "CS603"
    SHOP_ANSWER = "CS604"
    SHOP_NO_CHANGES = "CS605"
    SHOP_ELSEWHERE = "CS606"
    SHOP_FIREWALL = "CS607"

    NOTIFICATION = "CS701"

    BUG = "CS901"
