"""The catalogue of troubles: what each code means and what to do, for the screen and the site."""

from collections.abc import Mapping
from dataclasses import dataclass

from customer_sync.trouble import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is known of one kind of trouble."""

    title: str
    meaning: str
    """What it means, and what became of the run."""
    remedy: str
    """What to do, with the command."""
    symptoms: tuple[str, ...] = ()
    """What Brevo answers then, in its own words; `…` stands for what differs."""
    see: tuple[Code, ...] = ()
    """Troubles that are easily confused with this one."""


AREAS: Mapping[str, str] = {
    "1": "Command line and configuration",
    "2": "Sources and records",
    "3": "Plan, guard and consent",
    "4": "Brevo",
    "5": "State and disk",
    "6": "Shop",
    "7": "Notifications",
    "9": "The program itself",
}
"""What the first digit of a code tells."""

ADVICE: Mapping[Code, Advice] = {
    # ------------------------------------------------ command line and configuration
    Code.COMMAND_LINE: Advice(
        title="The command line cannot be understood",
        meaning="A command, an option or a value is not known, is missing, or contradicts another. "
        "Nothing was done.",
        remedy="`customer-sync COMMAND --help` shows what the command takes, with an example.",
    ),
    Code.NO_SUCH_RUN: Advice(
        title="There is no such run",
        meaning="The id names no run of this state, or more than one of them.",
        remedy="`customer-sync runs` lists the runs; the first characters of an id are enough as "
        "long as they are the start of one only. `--state` names another folder.",
    ),
    Code.NOT_WAITING: Advice(
        title="Nobody of that name waits",
        meaning="The retry queue holds no change for the address.",
        remedy="`customer-sync queue list --show-pii` shows who waits.",
    ),
    Code.CONDITION: Advice(
        title="A condition of --fail-if cannot be understood",
        meaning="A condition is a figure, a comparison and a number.",
        remedy="Write it in quotes: `customer-sync status --fail-if 'success_rate<0.99'`. The "
        "message names the figures.",
    ),
    Code.OPTIONS_MISSING: Advice(
        title="An attribute needs its options",
        meaning="Attributes of the types category and multiple-choice are created together with "
        "the options that they may hold.",
        remedy="Name them: `customer-sync attributes create --options PLAN=basic,premium`.",
        see=(Code.ACCOUNT_LACKS,),
    ),
    Code.CONFIGURATION: Advice(
        title="The configuration has problems",
        meaning="A key is unknown, missing or has a value that cannot be; every problem is listed "
        "with its line. Nothing was read and nothing was written.",
        remedy="Mend the lines that are named, then `customer-sync validate config.yaml`.",
        see=(Code.ENVIRONMENT,),
    ),
    Code.ENVIRONMENT: Advice(
        title="A secret is not in the environment",
        meaning="The configuration names an environment variable that is not set, is empty, or "
        "holds something that cannot be what it should be.",
        remedy="Set it before starting: `export BREVO_API_KEY=…`; under cron or systemd, in their "
        "own settings. `customer-sync doctor` shows which are set.",
        see=(Code.CONFIGURATION, Code.KEY_MALFORMED),
    ),
    Code.OTHER_TARGET: Advice(
        title="The file belongs to another target",
        meaning="A plan, or deletions that were withheld, were made for the sandbox and should go "
        "to a live account, or the other way round.",
        remedy="Plan anew with the configuration that is meant: `customer-sync plan events.jsonl "
        "--out plan.json`.",
        see=(Code.PLAN_CHANGED,),
    ),
    Code.FILE_EXISTS: Advice(
        title="The file exists already",
        meaning="Nothing is overwritten unasked.",
        remedy="Name another file, or add `--force`: `customer-sync init --force`.",
    ),
    Code.BASE_URL: Advice(
        title="The address of the API cannot be used",
        meaning="`brevo.base_url` is no address, or one to which the key would travel unencrypted.",
        remedy="Leave `base_url` out for Brevo itself, or write one that begins with https.",
    ),
    Code.PACKAGE_MISSING: Advice(
        title="An optional package is missing",
        meaning="What was asked for needs packages that a plain installation does not bring.",
        remedy="Install what the hint names, such as `pip install 'customer-sync[report]'`.",
    ),
    Code.LISTENING: Advice(
        title="The sandbox cannot be served there",
        meaning="The port is taken or does not exist, or the host could be reached from other "
        "machines, which the sandbox does not allow unasked.",
        remedy="Name another port: `customer-sync sandbox serve --port 0` takes any that is free.",
    ),
    Code.CLOCK: Advice(
        title="The clock of this machine is wrong",
        meaning="It is days away from Brevo's, and what is remembered would be dated by it. "
        "Nothing was done.",
        remedy="Set the clock, for example with chrony, then run again.",
    ),
    Code.NOT_WRITTEN: Advice(
        title="A file that was asked for cannot be written",
        meaning="The folder does not exist, may not be written to, or has no room; or another "
        "command is writing the same file.",
        remedy="Name a file in a folder that exists and that you may write to.",
        see=(Code.NO_ROOM,),
    ),
    Code.EXTENSION: Advice(
        title="An installed extension cannot be used",
        meaning="A package beside customer-sync adds a platform, a transform or a notifier, and "
        "that cannot be loaded, takes a name that is taken, or failed at its work. Nothing was "
        "written, and none of what is installed was left half known.",
        remedy="Upgrade or uninstall the package that the message names, with the `pip` of the "
        "same environment, then run again.",
        see=(Code.PACKAGE_MISSING,),
    ),
    # ------------------------------------------------ sources and records
    Code.SOURCE_MISSING: Advice(
        title="There is no such source",
        meaning="A name on the command line is no file, no folder with files that can be read, "
        "and no pattern that matches any. Nothing was changed.",
        remedy="Name files, folders or patterns that exist, or `-` for standard input. The "
        "message names the nearest file that there is.",
        see=(Code.SOURCE_UNREADABLE,),
    ),
    Code.SOURCE_UNREADABLE: Advice(
        title="A source cannot be read",
        meaning="It may not be opened, or it breaks off: a compressed file is damaged, or the "
        "transfer was cut. Nothing was changed.",
        remedy="Check who may read the file, or fetch it again.",
        see=(Code.SOURCE_MISSING, Code.ENCODING),
    ),
    Code.ENCODING: Advice(
        title="A source is in an encoding that is not read",
        meaning="Understood are UTF-8, UTF-16 with a byte order mark, and what `--encoding` names.",
        remedy="Save the file as UTF-8, or say what it is: `customer-sync run export.csv "
        "--encoding windows-1252`.",
        see=(Code.NOT_TEXT,),
    ),
    Code.NOT_TEXT: Advice(
        title="A source is no text",
        meaning="It is a spreadsheet, an archive, a picture or a database.",
        remedy="Give JSON lines, JSON or CSV; spreadsheets can be saved as CSV (UTF-8).",
        see=(Code.NOT_RECOGNISED,),
    ),
    Code.NOT_RECOGNISED: Advice(
        title="A source is not recognised",
        meaning="It is neither what the shop platform gives out nor JSON or CSV with an id or an "
        "address; or it could be more than one thing.",
        remedy="`--source custom` reads any file by the names of its fields: `customer-sync "
        "inspect export.csv` shows them.",
        see=(Code.OTHER_PLATFORM, Code.HEADER),
    ),
    Code.OTHER_PLATFORM: Advice(
        title="A source is from another platform",
        meaning="The file looks like what one platform gives out, and the configuration says "
        "another.",
        remedy="Change `source:` in the configuration, or say it for this run with `--source`.",
        see=(Code.NOT_RECOGNISED,),
    ),
    Code.HEADER: Advice(
        title="The header of a CSV file cannot be used",
        meaning="The first line names no columns, or names one of them twice.",
        remedy="Give the file a first line that names each column once, id or email among them.",
    ),
    Code.TOO_MANY_REJECTED: Advice(
        title="Too many records were rejected",
        meaning="More records cannot be used than `max_rejects` allows, so the source is likely "
        "not what it should be. Nothing was written.",
        remedy="Look at `rejects.jsonl` beside the state, which tells each record's flaw; or allow "
        "more: `customer-sync run events.jsonl --max-rejects 5%`.",
        see=(Code.RECORD, Code.RECORD_EMAIL),
    ),
    Code.NO_ADDRESSES: Advice(
        title="The shop gives no addresses",
        meaning="Shopify hides the email address of every customer from apps that are not approved "
        "for protected customer data. Nothing was changed.",
        remedy="Ask for approval in the app's settings, for the field email too, then pull again: "
        "`customer-sync pull shopify`.",
        see=(Code.SHOP_KEY,),
    ),
    Code.RECORD: Advice(
        title="A record cannot be used",
        meaning="It breaks a rule: a field is missing, has the wrong type, or contradicts another "
        "one. The others were synced.",
        remedy="`rejects.jsonl` beside the state holds the record with its flaws. Mend it at the "
        "shop or in the file, and run it again: `customer-sync run mended.jsonl`.",
        see=(Code.RECORD_EMAIL, Code.FIELD),
    ),
    Code.RECORD_EMAIL: Advice(
        title="Invalid email: a record's address is none",
        meaning="Nothing can be sent to the address, so the record was rejected before Brevo was "
        "asked. The others were synced.",
        remedy="Correct the address at the shop and run again: `customer-sync run events.jsonl`. "
        "`rejects.jsonl` beside the state names the record.",
        see=(Code.EMAIL_REFUSED, Code.RECORD),
    ),
    Code.FIELD: Advice(
        title="A field was left out",
        meaning="Its value cannot become what the attribute holds: a phone number that is none, a "
        "date that is none. The customer was synced without it, and the attribute kept its value.",
        remedy="Correct the field at the shop, or its transform in `field_mapping`: `customer-sync "
        "explain jane@example.com events.jsonl` shows what the mapping makes of it.",
        see=(Code.ATTRIBUTE_REFUSED, Code.PHONE_REFUSED),
    ),
    # ------------------------------------------------ plan, guard and consent
    Code.ACCOUNT_LACKS: Advice(
        title="The account lacks an attribute or the list",
        meaning="Brevo answers with success and stores nothing where an attribute does not exist, "
        "so the account is looked at first. Nothing was written.",
        remedy="`customer-sync attributes create` makes the attributes that are missing; "
        "`customer-sync lists` shows the lists there are. Or correct `field_mapping` and "
        "`list_id`.",
        see=(Code.LIST_GONE, Code.ATTRIBUTE_REFUSED),
    ),
    Code.BLOCK_LIFTED: Advice(
        title="The plan would mail people again who said no",
        meaning="It lifts the block of contacts, and the configuration does not allow that. "
        "Nothing was written.",
        remedy="Look at them with `customer-sync plan events.jsonl`; `resubscribe: newer` in the "
        "options allows it where the shop's consent is newer.",
    ),
    Code.PLAN_UNREADABLE: Advice(
        title="A plan cannot be read",
        meaning="The file is not there, is no plan, or was made by another version.",
        remedy="Plan anew: `customer-sync plan events.jsonl --out plan.json`.",
        see=(Code.PLAN_CHANGED,),
    ),
    Code.PLAN_CHANGED: Advice(
        title="A plan was changed after it was made",
        meaning="Its digest does not fit. A plan is applied as it was shown, or not at all.",
        remedy="Plan anew: `customer-sync plan events.jsonl --out plan.json`.",
        see=(Code.PLAN_UNREADABLE,),
    ),
    Code.DELETIONS_WITHHELD: Advice(
        title="Deletions were withheld",
        meaning="More contacts would be deleted than `max_deletes` allows, or the source turned "
        "out to be empty. Everything else was written.",
        remedy="Look at `withheld.json` beside the state. If they are meant: `customer-sync run "
        "--confirm-deletes .customer-sync/withheld.json`.",
    ),
    Code.SHARDS: Advice(
        title="The plans are not all parts of one",
        meaning="Plans that were made with `--shard` are applied all together, since the limit of "
        "deletions is measured on their sum.",
        remedy="Plan all parts from the same source and state, then name every file in one "
        "`customer-sync apply`.",
        see=(Code.PLAN_UNREADABLE,),
    ),
    # ------------------------------------------------ Brevo
    Code.KEY_REFUSED: Advice(
        title="Wrong key: Brevo does not know it",
        meaning="The key was deleted, belongs to something else (an SMTP key, a partner's), or was "
        "cut when it was copied. Nothing more was sent.",
        remedy="Make a v3 API key in the account's settings, put it into BREVO_API_KEY, and look "
        "with `customer-sync doctor`.",
        symptoms=("401 unauthorized: Key not found",),
        see=(Code.IP_NOT_AUTHORISED, Code.KEY_MAY_NOT, Code.KEY_MALFORMED),
    ),
    Code.IP_NOT_AUTHORISED: Advice(
        title="Unauthorised IP: Brevo does not know this machine",
        meaning="The key is right, but the account takes requests from known addresses only. "
        "Machines that get a new address now and then (CI runners, IPv6) run into it anew.",
        remedy="Add the machine's address to the authorised IPs in the account's security "
        "settings, or turn that check off for API keys; then `customer-sync doctor`.",
        symptoms=("401 unauthorized: … unrecognised IP address …",),
        see=(Code.KEY_REFUSED,),
    ),
    Code.KEY_MAY_NOT: Advice(
        title="The key may not do this",
        meaning="Brevo knows the key, but it may not do what was asked, or the account's plan does "
        "not include it.",
        remedy="Give the key the right to read and write contacts, or use another one; then "
        "`customer-sync doctor`.",
        symptoms=("403 permission_denied: …",),
        see=(Code.KEY_REFUSED,),
    ),
    Code.BREVO_UNAVAILABLE: Advice(
        title="Brevo cannot be reached",
        meaning="The network is down, Brevo does not answer in time, or answers with an error of "
        "its own. Trying again did not help in time; nothing is lost.",
        remedy="Run again later: `customer-sync retry` writes what waits in the retry queue, as "
        "the next run does; `customer-sync queue list` shows it.",
        symptoms=("500, 502, 503, 504, 524", "no answer within … s", "the connection failed"),
        see=(Code.RATE_LIMIT, Code.CERTIFICATE),
    ),
    Code.RATE_LIMIT: Advice(
        title="Rate limit exceeded",
        meaning="Brevo allows so many requests in an hour or a second, by the account's plan and "
        "for all its programs together. The sync waits for its turn; here the wait was longer "
        "than the run may take. Nothing is lost.",
        remedy="Run again later. Where it happens often: set `brevo.plan` to the plan that the "
        "account has, give the run more time (`--max-duration`), and look what else uses the "
        "account: `customer-sync status` shows the requests used.",
        symptoms=("429, with any code and message or none",),
        see=(Code.BREVO_UNAVAILABLE,),
    ),
    Code.CONTACT_EXISTS: Advice(
        title="Contact already exists",
        meaning="Another contact has the address that should be written, as happens when a "
        "customer takes an address that somebody else in the account has already. The change "
        "waits in the retry queue, or is dead where it was tried too often.",
        remedy="`customer-sync explain jane@example.com` shows both. Merge the two contacts in "
        "Brevo or correct the address at the shop, then `customer-sync queue retry --all`.",
        symptoms=(
            (
                "400 duplicate_parameter: Unable to create contact, email is already associated "
                "with another Contact"
            ),
            (
                "400 duplicate_parameter or invalid_parameter: Unable to update contact, email is "
                "already associated with another Contact"
            ),
            "400 duplicate_parameter: Contact already exist",
        ),
        see=(Code.PHONE_TAKEN,),
    ),
    Code.PHONE_TAKEN: Advice(
        title="Phone owned by another contact",
        meaning="A number belongs to one contact only. The customer is synced without the number, "
        "which stays with the contact that has it.",
        remedy="Correct the number at the shop, or merge the two contacts in Brevo; the next "
        "run with the customer in it writes the number: `customer-sync run events.jsonl`.",
        symptoms=(
            (
                "400 duplicate_parameter: Unable to create contact, SMS is already associated "
                "with another Contact"
            ),
            (
                "400 duplicate_parameter: Unable to update contact, SMS is already associated with "
                "another Contact"
            ),
        ),
        see=(Code.CONTACT_EXISTS, Code.PHONE_REFUSED),
    ),
    Code.ATTRIBUTE_REFUSED: Advice(
        title="Invalid attribute: Brevo does not take a value or a name",
        meaning="A value does not fit the attribute's type, or the attribute is of a kind that "
        "cannot be written. Most attributes that do not exist are not refused but ignored, which "
        "is why runs compare them first.",
        remedy="`customer-sync attributes check` compares the account with `field_mapping`. "
        "Correct the mapping or the value at the shop, then `customer-sync queue retry --all`.",
        symptoms=(
            "400 invalid_parameter: Transactional attribute as primary Key is missing",
            "400 invalid_parameter: invalid date format, or another message about an attribute",
        ),
        see=(Code.ACCOUNT_LACKS, Code.FIELD),
    ),
    Code.EMAIL_REFUSED: Advice(
        title="Invalid email: Brevo does not take the address",
        meaning="It looks like an address, and Brevo's own check says no. The change waits in the "
        "retry queue until somebody mends it.",
        remedy="Correct the address at the shop and run again, or take the change off the queue: "
        "`customer-sync queue drop jane@example.com`.",
        symptoms=("400 invalid_parameter: email is not valid …, Invalid email address, or alike",),
        see=(Code.RECORD_EMAIL,),
    ),
    Code.PHONE_REFUSED: Advice(
        title="Brevo does not take a phone number",
        meaning="The number is written rightly, but Brevo does not know such numbers.",
        remedy="Correct the number at the shop, or take it out of `field_mapping`, then "
        "`customer-sync queue retry --all`.",
        symptoms=("400 invalid_parameter: Invalid phone number",),
        see=(Code.PHONE_TAKEN, Code.FIELD),
    ),
    Code.LIST_GONE: Advice(
        title="List gone",
        meaning="A list that contacts should be put on, or taken off, does not exist any more: it "
        "was deleted in Brevo while a run was at work.",
        remedy="`customer-sync lists` shows the lists there are; correct `list_id`, then "
        "`customer-sync run events.jsonl`.",
        symptoms=("404 or 400 document_not_found: List ID does not exist (or alike)",),
        see=(Code.ACCOUNT_LACKS,),
    ),
    Code.CONTACT_GONE: Advice(
        title="A contact is gone",
        meaning="It was deleted in Brevo between looking and writing. A run makes it anew; an undo "
        "leaves it alone.",
        remedy="Run again: `customer-sync run events.jsonl` looks anew.",
        symptoms=(
            "404 document_not_found: Contact does not exist",
            "404 document_not_found: No contact found for indexes …",
        ),
    ),
    Code.REQUEST_REFUSED: Advice(
        title="Brevo refuses a change",
        meaning="Brevo does not take it as it is, for a reason that its answer tells and this "
        "catalogue does not. It waits in the retry queue; the others were written.",
        remedy="`customer-sync queue list` shows whom it is about and what Brevo said. Mend that, "
        "then `customer-sync queue retry --all`.",
        symptoms=("400, 402, 405 and other statuses from 400 to 499",),
        see=(Code.ATTRIBUTE_REFUSED,),
    ),
    Code.STRANGE_ANSWER: Advice(
        title="An answer is not what Brevo answers",
        meaning="It has another shape, is far too large, leads elsewhere, or is no JSON: a proxy "
        "may have answered in Brevo's place, or Brevo changed its API.",
        remedy="Check `brevo.base_url` and what stands between this machine and Brevo; "
        "`customer-sync doctor` asks once.",
        see=(Code.CERTIFICATE, Code.BREVO_UNAVAILABLE),
    ),
    Code.CERTIFICATE: Advice(
        title="Brevo's certificate cannot be verified",
        meaning="Somebody else may be answering, often a company's proxy. The key was not sent.",
        remedy="Give the proxy's authority in SSL_CERT_FILE, then `customer-sync doctor`.",
        see=(Code.STRANGE_ANSWER,),
    ),
    Code.IMPORT_UNCERTAIN: Advice(
        title="A request may have arrived or not",
        meaning="The answer to something that must not be sent twice was lost. It is not sent "
        "again blindly: the next run looks at what happened.",
        remedy="Run again: `customer-sync run events.jsonl`.",
        see=(Code.IMPORT_RUNNING,),
    ),
    Code.IMPORT_RUNNING: Advice(
        title="Import jobs still run at Brevo",
        meaning="Brevo takes imports in and works them off later; these did not end within the "
        "run. What they are about waits in the retry queue.",
        remedy="Run again later: `customer-sync retry` looks at what they did.",
        see=(Code.IMPORT_UNCERTAIN,),
    ),
    Code.IMPORT_LEFT_OUT: Advice(
        title="An import left a contact out",
        meaning="Brevo ended the import well, told no reason, and did not write the contact.",
        remedy="Nothing, unless it goes on: the next run tries again, or `customer-sync retry`.",
    ),
    Code.BROKEN_OFF: Advice(
        title="The run had to end before this was sent",
        meaning="It was interrupted, its time was over, or Brevo was down. What was not sent waits "
        "in the retry queue, and no attempt is counted.",
        remedy="Run again: `customer-sync retry` writes what waits, as the next run does.",
        see=(Code.RATE_LIMIT, Code.BREVO_UNAVAILABLE),
    ),
    Code.BLOCK_LOST: Advice(
        title="A block did not survive a change of address",
        meaning="Somebody who may not be mailed got a new address, and Brevo did not keep the "
        "block. The change counts as failed so that somebody looks.",
        remedy="Look at the contact in Brevo and block it there, then run again: `customer-sync "
        "run events.jsonl`.",
        see=(Code.BLOCK_LIFTED,),
    ),
    Code.KEY_MALFORMED: Advice(
        title="What should be the key can be none",
        meaning="It is empty or holds spaces, line breaks or letters that no key has. Nothing was "
        "sent.",
        remedy="Copy the v3 API key from the account's settings anew, without quotes and line "
        "breaks: `export BREVO_API_KEY=…`.",
        see=(Code.KEY_REFUSED, Code.ENVIRONMENT),
    ),
    # ------------------------------------------------ state and disk
    Code.STATE_BUSY: Advice(
        title="Another run holds the state",
        meaning="Two runs at once would not know of each other's writes.",
        remedy="Wait for it to end; cron may simply try again. `customer-sync status` tells what "
        "is under way.",
    ),
    Code.STATE_DAMAGED: Advice(
        title="The state is damaged",
        meaning="Its file is no whole database any more. It was moved aside, and what could be "
        "read of who said no is taken over.",
        remedy="Put a backup in its place, or begin anew from what Brevo holds: `customer-sync run "
        "--refresh events.jsonl`.",
        see=(Code.STATE_UNUSABLE,),
    ),
    Code.STATE_UNUSABLE: Advice(
        title="The state cannot be used",
        meaning="The folder may not be written to, has no room, or is on a disk that fails.",
        remedy="Check the folder's room and permissions, then `customer-sync doctor`.",
        see=(Code.STATE_DAMAGED, Code.NO_ROOM),
    ),
    Code.STATE_NEWER: Advice(
        title="The state is from another version",
        meaning="A newer version of customer-sync wrote it, or holds in it what this one cannot "
        "read.",
        remedy="Install that version again, or name another folder with `--state`.",
    ),
    Code.STATE_BEING_READ: Advice(
        title="The state is being read",
        meaning="What was erased stays in the file for as long as somebody reads it.",
        remedy="Close whatever reads it, then run the same command again.",
    ),
    Code.NO_ROOM: Advice(
        title="There is no room for what has to be kept",
        meaning="A disk is full or fails: the one of the state, or the one for temporary files. "
        "Nothing is lost.",
        remedy="Make room, or set TMPDIR to another folder, then run again.",
        see=(Code.STATE_UNUSABLE, Code.NOT_WRITTEN),
    ),
    Code.SANDBOX_FILE: Advice(
        title="The sandbox's file cannot be used",
        meaning="It is damaged, from another version, or on a disk without room. Your Brevo "
        "account has nothing to do with it.",
        remedy="Move the file away; a fresh one is made by itself.",
    ),
    Code.INBOX_FULL: Advice(
        title="As much waits as may",
        meaning="Events arrive faster than they can be kept or written, or Brevo has been away for "
        "long. What was answered with 2xx is safe; the sender was asked to come again.",
        remedy="Look at `customer-sync status` for why nothing is written. `inbox_limit` and "
        "`pending_limit` below `realtime:` in the configuration say how much may wait.",
        see=(Code.BREVO_UNAVAILABLE, Code.NO_ROOM),
    ),
    Code.WORKER_LOST: Advice(
        title="A process that planned was killed",
        meaning="Large inputs are planned by several processes, and one of them ended without a "
        "word, most often since the system had no memory left. Nothing was written to Brevo.",
        remedy="Run again with `--workers 1`, or give the machine or container more memory.",
        see=(Code.NO_ROOM,),
    ),
    # ------------------------------------------------ the shop
    Code.SHOP_UNSET: Advice(
        title="The configuration does not say which shop to pull from",
        meaning="There is no block `shop:`, or it is about another platform, or the platform is "
        "one that cannot be pulled.",
        remedy="Add `shop:` with `url:` to the block `customer-sync:`, then `customer-sync "
        "validate config.yaml`.",
        see=(Code.OTHER_PLATFORM,),
    ),
    Code.SHOP_KEY: Advice(
        title="The shop refuses the token or the key",
        meaning="It is wrong, or may not read customers. Nothing was changed.",
        remedy="Check the environment variables that `shop:` names, and the permissions: "
        "Shopify's read_customers, WooCommerce's Read, Magento's Customers.",
        see=(Code.NO_ADDRESSES, Code.SHOP_FIREWALL),
    ),
    Code.SHOP_UNAVAILABLE: Advice(
        title="The shop cannot be reached, or is too busy",
        meaning="Trying again did not help in time. Incomplete customers are not used, so nothing "
        "was changed.",
        remedy="Run again later, with more time if it was over: `--max-duration 2h`.",
        see=(Code.SHOP_ANSWER,),
    ),
    Code.SHOP_ANSWER: Advice(
        title="The shop answers with something that is not its customers",
        meaning="A web page, an error of a plugin, a list without order, or a file that is "
        "damaged. Incomplete customers are not used, so nothing was changed.",
        remedy="Check `shop.url`, and whether the shop is in maintenance; the hint tells what else "
        "may be the cause.",
        see=(Code.SHOP_FIREWALL, Code.SHOP_ELSEWHERE),
    ),
    Code.SHOP_NO_CHANGES: Advice(
        title="This shop cannot tell what changed",
        meaning="WooCommerce ignores the question which customers changed and answers with "
        "everybody.",
        remedy="Leave out `--since`. All customers are read, and only what differs is written.",
    ),
    Code.SHOP_ELSEWHERE: Advice(
        title="The shop's address leads to another one",
        meaning="It is not followed, since the secrets are meant for the address in the "
        "configuration.",
        remedy="Write the address that the shop itself uses into `shop.url`; with or without www "
        "makes a difference.",
    ),
    Code.SHOP_FIREWALL: Advice(
        title="A firewall keeps this program from the shop",
        meaning="Something in front of the shop lets browsers pass and programs not.",
        remedy="Have whoever runs the shop's server let this machine through.",
        see=(Code.SHOP_KEY, Code.SHOP_ANSWER),
    ),
    # ------------------------------------------------ notifications
    Code.NOTIFICATION: Advice(
        title="Nobody can be told as the configuration says",
        meaning="An environment variable that `notifications:` names holds no address of a known "
        "service, or no key to sign with.",
        remedy="Copy the address or the key anew from where it was made, without quotes and line "
        "breaks, then see whether it arrives: `customer-sync notify test`.",
        see=(Code.ENVIRONMENT,),
    ),
    # ------------------------------------------------ the program itself
    Code.BUG: Advice(
        title="This is a bug of customer-sync",
        meaning="Something happened that nobody foresaw. The traceback has no addresses and no "
        "keys in it. Nothing is lost; another run may pass.",
        remedy="Please report it with the lines above the message, after a look whether they name "
        "somebody.",
    ),
}


def remedy_of(code: str) -> str:
    """Return what to do about what is told under *code*; nothing where there is no such code."""
    return ADVICE[Code(code)].remedy if code in set(Code) else ""
