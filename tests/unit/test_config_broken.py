"""Broken variants of a good configuration: each tells its place, what is wrong and what to do."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from customer_sync.config import check

GOOD = """\
skills:
  customer-sync:
    enabled: true
    source: shopify
    field_mapping:
      email: email
      firstName: FIRSTNAME
      lastName: LASTNAME
      phone: SMS
      totalOrders: TOTAL_ORDERS
      tags: TAGS
    options:
      sync_mode: realtime
      delete_behavior: soft
      list_id: 5
"""

SKILL = "/skills/customer-sync"
FIELDS = f"{SKILL}/field_mapping"
OPTIONS = f"{SKILL}/options"
KEY = "xkeysib-0123456789abcdef0123456789abcdef-AbCdEf0123456789"


@dataclass(frozen=True, kw_only=True)
class Told:
    """Where a problem is, with a part of what is said about it and of the advice."""

    line: int
    column: int
    at: str
    says: str
    advises: str


def variant(name: str, old: str, new: str, *told: Told) -> tuple[str, str, tuple[Told, ...]]:
    """Return the good configuration with *old* replaced by *new*; without *old*, *new* is added."""
    assert GOOD.count(old) == 1 or not old
    return name, GOOD.replace(old, new) if old else GOOD + new, told


def whole(name: str, text: str, *told: Told) -> tuple[str, str, tuple[Told, ...]]:
    """Return a configuration that has nothing to do with the good one."""
    return name, text, told


VARIANTS = (
    # ------------------------------------------------------------ no YAML
    variant(
        "tab",
        "    enabled: true",
        "\tenabled: true",
        Told(line=3, column=1, at="", says="A tab", advises="blanks, two for each level"),
    ),
    variant(
        "indentation",
        "    source: shopify",
        "   source: shopify",
        Told(line=4, column=4, at="", says="indentation", advises="same number of blanks"),
    ),
    variant(
        "open quote",
        "source: shopify",
        'source: "shopify',
        Told(line=4, column=13, at="", says="quotation mark", advises="Close it"),
    ),
    variant(
        "colon within a value",
        "source: shopify",
        "source: shopify: eu",
        Told(line=4, column=20, at="", says="where none may begin", advises="in quotes"),
    ),
    variant(
        "missing blank after a colon",
        "      list_id: 5",
        "      list_id:5",
        Told(line=15, column=7, at="", says="the colon, or the blank", advises="Write the key"),
    ),
    variant(
        "open bracket",
        "totalOrders: TOTAL_ORDERS",
        "totalOrders: {attribute: TOTAL_ORDERS",
        Told(line=11, column=11, at="", says="closing bracket", advises="Close the bracket"),
    ),
    variant(
        "date form without quotes",
        "tags: TAGS",
        "birthday: {attribute: BIRTHDAY, transform: {date: %d.%m.%Y}}",
        Told(line=11, column=57, at="", says="must not begin", advises="in quotes"),
    ),
    variant(
        "undefined alias",
        "source: shopify",
        "source: *shop",
        Told(line=4, column=13, at="", says="`*`", advises="in quotes"),
    ),
    variant(
        "second document",
        "",
        "---\nskills: {}\n",
        Told(line=16, column=1, at="", says="second document", advises="one configuration"),
    ),
    variant(
        "type tag",
        "source: shopify",
        "source: !!python/name:os.system shopify",
        Told(line=4, column=13, at=f"{SKILL}/source", says="names a type", advises="Remove"),
    ),
    variant(
        "impossible escape",
        "source: shopify",
        r'source: "\UFFFFFFFF"',
        Told(line=1, column=1, at="", says="backslash", advises="twice"),
    ),
    variant(
        "control character",
        "source: shopify",
        "source: shop\x07ify",
        Told(line=4, column=17, at="", says="U+0007", advises="UTF-8"),
    ),
    variant(
        "half a character",
        "source: shopify",
        r'source: "\ud800"',
        Told(line=4, column=13, at=f"{SKILL}/source", says="one half", advises="character itself"),
    ),
    variant(
        "block within itself",
        "    options:",
        "    options: &again\n      retry: *again",
        Told(line=12, column=14, at=f"{OPTIONS}/retry", says="itself", advises="Write the values"),
    ),
    variant(
        "key that is a list",
        "      list_id: 5",
        "      ? [list_id]\n      : 5",
        Told(line=15, column=9, at=OPTIONS, says="single word", advises="`key: value`"),
    ),
    variant(
        "deep nesting",
        "source: shopify",
        f"source: {'[' * 60}{']' * 60}",
        Told(line=4, column=50, at="", says="more deeply", advises="brackets"),
    ),
    # ------------------------------------------------------------ no configuration
    whole(
        "a list",
        "- skills\n",
        Told(line=1, column=1, at="", says="begins with `skills:`", advises="customer-sync init"),
    ),
    whole(
        "some text",
        "Dear diary, today nothing happened.\n",
        Told(line=1, column=1, at="", says="begins with `skills:`", advises="which file"),
    ),
    whole(
        "nothing",
        "\n  \n",
        Told(line=1, column=1, at="", says="empty", advises="customer-sync init"),
    ),
    whole(
        "comments only",
        "# nothing yet\n",
        Told(line=1, column=1, at="", says="begins with `skills:`", advises="customer-sync init"),
    ),
    whole(
        "a mapping of something else",
        "services: {web: {image: nginx}}\n",
        Told(line=1, column=1, at="", says="`skills` is missing", advises="Add `skills:`"),
        Told(line=1, column=11, at="/services", says="no key `services`", advises="Known keys are"),
    ),
    # ------------------------------------------------------------ keys
    variant(
        "misspelt key",
        "list_id: 5",
        "list: 5",
        Told(line=15, column=13, at=f"{OPTIONS}/list", says="`list`", advises="mean `list_id`?"),
    ),
    variant(
        "misspelt required key",
        "source: shopify",
        "sorce: shopify",
        Told(line=4, column=12, at=f"{SKILL}/sorce", says="`sorce`", advises="mean `source`?"),
    ),
    variant(
        "missing source",
        "    source: shopify\n",
        "",
        Told(line=2, column=3, at=SKILL, says="`source` is missing", advises="shopify, woocomm"),
    ),
    variant(
        "key that nothing is near to",
        "",
        "turbo: true\n",
        Told(line=16, column=8, at="/turbo", says="`turbo`", advises="version, brevo, skills"),
    ),
    variant(
        "misspelt skill",
        "  customer-sync:",
        "  custmer-sync:",
        Told(
            line=2,
            column=3,
            at="/skills/custmer-sync",
            says="`custmer-sync`",
            advises="mean `customer-sync`?",
        ),
    ),
    variant(
        "key twice",
        "      delete_behavior: soft",
        "      delete_behavior: soft\n      delete_behavior: hard",
        Told(
            line=15,
            column=7,
            at=f"{OPTIONS}/delete_behavior",
            says="line 14 already",
            advises="Keep one",
        ),
    ),
    variant(
        "key in both spellings",
        "      delete_behavior: soft",
        "      listId: 7\n      delete_behavior: soft",
        Told(
            line=16,
            column=16,
            at=f"{OPTIONS}/list_id",
            says="`list_id` and `listId`",
            advises="Keep one",
        ),
    ),
    whole(
        "setting at two levels",
        f"debug: false\n{GOOD}    debug: true\n",
        Told(line=17, column=5, at=f"{SKILL}/debug", says="(line 1)", advises="Keep one"),
    ),
    # ------------------------------------------------------------ values of the wrong kind or form
    variant(
        "unknown source",
        "source: shopify",
        "source: shopfiy",
        Told(line=4, column=13, at=f"{SKILL}/source", says="`shopfiy`", advises="mean `shopify`?"),
    ),
    variant(
        "source that is not supported",
        "source: shopify",
        "source: prestashop",
        Told(
            line=4,
            column=13,
            at=f"{SKILL}/source",
            says="`prestashop`",
            advises="shopify, woocommerce, magento or custom",
        ),
    ),
    variant(
        "word instead of true",
        "enabled: true",
        "enabled: yes",
        Told(line=3, column=14, at=f"{SKILL}/enabled", says="`yes`", advises="true or false"),
    ),
    variant(
        "list in quotes",
        "list_id: 5",
        'list_id: "5"',
        Told(line=15, column=16, at=f"{OPTIONS}/list_id", says="`5`", advises="without quotes"),
    ),
    variant(
        "list zero",
        "list_id: 5",
        "list_id: 0",
        Told(line=15, column=16, at=f"{OPTIONS}/list_id", says="too small", advises="least is 1"),
    ),
    variant(
        "list with a fraction",
        "list_id: 5",
        "list_id: 5.5",
        Told(line=15, column=16, at=f"{OPTIONS}/list_id", says="`5.5`", advises="list_id: 5"),
    ),
    variant(
        "list from the environment",
        "list_id: 5",
        "list_id: ${LIST_ID}",
        Told(line=15, column=16, at=f"{OPTIONS}/list_id", says="number", advises="Only secrets"),
    ),
    variant(
        "list without a value",
        "list_id: 5",
        "list_id:",
        Told(line=15, column=15, at=f"{OPTIONS}/list_id", says="nothing", advises="Remove the key"),
    ),
    variant(
        "mode in another case",
        "sync_mode: realtime",
        "sync_mode: Real-Time",
        Told(
            line=13,
            column=18,
            at=f"{OPTIONS}/sync_mode",
            says="`Real-Time`",
            advises="mean `realtime`?",
        ),
    ),
    variant(
        "options as a text",
        """options:
      sync_mode: realtime
      delete_behavior: soft
      list_id: 5
""",
        "options: fast\n",
        Told(line=12, column=14, at=OPTIONS, says="a block", advises="Indent what belongs"),
    ),
    variant(
        "country that is none",
        "list_id: 5",
        "default_region: UK",
        Told(line=15, column=23, at=f"{OPTIONS}/default_region", says="`UK`", advises="`GB`"),
    ),
    variant(
        "country by its name",
        "list_id: 5",
        "default_region: Germany",
        Told(
            line=15, column=23, at=f"{OPTIONS}/default_region", says="`GERMANY`", advises="US, GB"
        ),
    ),
    variant(
        "duration without a unit",
        "list_id: 5",
        'full_refresh_every: "7"',
        Told(
            line=15,
            column=27,
            at=f"{OPTIONS}/full_refresh_every",
            says="its unit",
            advises="full_refresh_every: 7d",
        ),
    ),
    variant(
        "no duration",
        "list_id: 5",
        "full_refresh_every: 0h",
        Told(
            line=15,
            column=27,
            at=f"{OPTIONS}/full_refresh_every",
            says="too short",
            advises="more than nothing",
        ),
    ),
    variant(
        "endless duration",
        "list_id: 5",
        "full_refresh_every: 999999w",
        Told(
            line=15,
            column=27,
            at=f"{OPTIONS}/full_refresh_every",
            says="too long",
            advises="at most 3650d",
        ),
    ),
    variant(
        "more than all deletions",
        "list_id: 5",
        "max_deletes: 110%",
        Told(
            line=15,
            column=20,
            at=f"{OPTIONS}/max_deletes",
            says="0% to 100%",
            advises="max_deletes: 10%",
        ),
    ),
    variant(
        "share as a fraction",
        "list_id: 5",
        "max_rejects: 0.05",
        Told(
            line=15,
            column=20,
            at=f"{OPTIONS}/max_rejects",
            says="`0.05`",
            advises="max_rejects: 5%",
        ),
    ),
    variant(
        "fewer than no rejections",
        "list_id: 5",
        "max_rejects: -1",
        Told(
            line=15,
            column=20,
            at=f"{OPTIONS}/max_rejects",
            says="too small",
            advises="least is 0",
        ),
    ),
    variant(
        "delays that shrink",
        "list_id: 5",
        "retry: {base_delay: 2h, max_delay: 1h}",
        Told(
            line=15,
            column=27,
            at=f"{OPTIONS}/retry/base_delay",
            says="longer than the longest",
            advises="at most `max_delay`",
        ),
    ),
    variant(
        "version of the future",
        "",
        "version: 2\n",
        Told(line=16, column=10, at="/version", says="`2`", advises="Write 1"),
    ),
    # ------------------------------------------------------------ the mapping
    variant(
        "two fields for one attribute",
        "lastName: LASTNAME",
        "lastName: firstname",
        Told(
            line=8,
            column=17,
            at=f"{FIELDS}/lastName",
            says="`FIRSTNAME` is filled by line 7",
            advises="one field only",
        ),
    ),
    variant(
        "two spellings of one field",
        "lastName: LASTNAME",
        "first_name: NAME",
        Told(
            line=8,
            column=19,
            at=f"{FIELDS}/first_name",
            says="`firstName` is mapped in line 7",
            advises="Keep one",
        ),
    ),
    variant(
        "address to another attribute",
        "email: email",
        "email: CONTACT_EMAIL",
        Told(line=6, column=14, at=f"{FIELDS}/email", says="address", advises="`email: EMAIL`"),
    ),
    variant(
        "attribute with a blank",
        "tags: TAGS",
        "tags: Shop Tags",
        Told(line=11, column=13, at=f"{FIELDS}/tags", says="A to Z", advises="`Shop Tags`"),
    ),
    variant(
        "attribute without a name",
        "tags: TAGS",
        "tags:",
        Told(line=11, column=12, at=f"{FIELDS}/tags", says="nothing", advises="Remove the key"),
    ),
    variant(
        "field without a name",
        "tags: TAGS",
        '" ": TAGS',
        Told(line=11, column=12, at=f"{FIELDS}/ ", says="field is missing", advises="Name a field"),
    ),
    variant(
        "field with an empty name",
        "tags: TAGS",
        '"": TAGS',
        Told(line=11, column=11, at=f"{FIELDS}/", says="field is missing", advises="Name a field"),
    ),
    variant(
        "long entry without attribute",
        "tags: TAGS",
        "tags: {type: text}",
        Told(
            line=11,
            column=7,
            at=f"{FIELDS}/tags",
            says="`attribute` is missing",
            advises="Add `attribute:`",
        ),
    ),
    variant(
        "unknown type",
        "tags: TAGS",
        "tags: {attribute: TAGS, type: multi-choice}",
        Told(
            line=11,
            column=37,
            at=f"{FIELDS}/tags/type",
            says="`multi-choice`",
            advises="mean `multiple-choice`?",
        ),
    ),
    variant(
        "phone as a number",
        "phone: SMS",
        "phone: {attribute: SMS, type: float}",
        Told(
            line=9,
            column=37,
            at=f"{FIELDS}/phone/type",
            says="always a text",
            advises="Remove `type`",
        ),
    ),
    variant(
        "one phone for everybody",
        "phone: SMS",
        "phone: {attribute: SMS, transform: {constant: +12025550100}}",
        Told(
            line=9,
            column=42,
            at=f"{FIELDS}/phone/transform",
            says="many customers one",
            advises="Remove `constant`",
        ),
    ),
    variant(
        "unknown transform",
        "tags: TAGS",
        "tags: {attribute: TAGS, transform: uper}",
        Told(
            line=11,
            column=42,
            at=f"{FIELDS}/tags/transform",
            says="`uper`",
            advises="mean `upper`?",
        ),
    ),
    variant(
        "transform without its argument",
        "tags: TAGS",
        "tags: {attribute: TAGS, transform: [strip, default]}",
        Told(
            line=11,
            column=50,
            at=f"{FIELDS}/tags/transform/1",
            says="needs an argument",
            advises="The value",
        ),
    ),
    variant(
        "transform with an argument too many",
        "tags: TAGS",
        "tags: {attribute: TAGS, transform: {upper: all}}",
        Told(
            line=11,
            column=50,
            at=f"{FIELDS}/tags/transform/upper",
            says="takes no argument",
            advises="Write only `upper`",
        ),
    ),
    variant(
        "transform with an argument of another kind",
        "tags: TAGS",
        "tags: {attribute: TAGS, transform: {number: {mark: point}}}",
        Told(
            line=11,
            column=51,
            at=f"{FIELDS}/tags/transform/number",
            says="single value",
            advises="`number: …`",
        ),
    ),
    variant(
        "date form without a year",
        "tags: TAGS",
        'tags: {attribute: TAGS, transform: {date: "%d.%m."}}',
        Told(
            line=11,
            column=49,
            at=f"{FIELDS}/tags/transform/date",
            says="day, month and year",
            advises="%d/%m/%Y",
        ),
    ),
    variant(
        "two transforms in one entry",
        "tags: TAGS",
        "tags: {attribute: TAGS, transform: {strip: , upper: }}",
        Told(
            line=11,
            column=42,
            at=f"{FIELDS}/tags/transform",
            says="Only one entry",
            advises="as a list",
        ),
    ),
    variant(
        "transform that cannot give the type",
        "tags: TAGS",
        'tags: {attribute: TAGS, type: float, transform: {split: ";"}}',
        Told(
            line=11,
            column=55,
            at=f"{FIELDS}/tags/transform",
            says="does not fit float",
            advises="attribute's type",
        ),
    ),
    variant(
        "transforms in the wrong order",
        "tags: TAGS",
        "tags: {attribute: TAGS, transform: [boolean, date]}",
        Told(
            line=11,
            column=42,
            at=f"{FIELDS}/tags/transform",
            says="date takes text",
            advises="their order",
        ),
    ),
    variant(
        "marker of deletion that is in use",
        "list_id: 5",
        "deleted_attribute: tags",
        Told(
            line=15,
            column=26,
            at=f"{OPTIONS}/deleted_attribute",
            says="`TAGS` is in use",
            advises="boolean attribute",
        ),
    ),
    # ------------------------------------------------------------ Brevo and notifications
    variant(
        "key in the file",
        "",
        f"brevo:\n  api_key: {KEY}\n",
        Told(
            line=17,
            column=12,
            at="/brevo/api_key",
            says="must not stand in the file",
            advises="${BREVO_API_KEY}",
        ),
    ),
    variant(
        "variable without braces",
        "",
        "brevo:\n  apiKey: $BREVO_API_KEY\n",
        Told(
            line=17,
            column=11,
            at="/brevo/apiKey",
            says="must not stand in the file",
            advises="`apiKey: ${BREVO_API_KEY}`",
        ),
    ),
    variant(
        "live without a key",
        "",
        "brevo:\n  target: live\n",
        Told(line=17, column=11, at="/brevo/target", says="needs a key", advises="Add `api_key"),
    ),
    variant(
        "sandbox at the real address",
        "",
        "brevo:\n  base_url: https://api.brevo.com/v3\n",
        Told(
            line=17,
            column=13,
            at="/brevo/base_url",
            says="real Brevo",
            advises="`target: live`",
        ),
    ),
    variant(
        "key for strangers",
        "",
        "brevo:\n  target: live\n  api_key: ${K}\n  base_url: https://brevo.example.com/v3\n",
        Told(
            line=19,
            column=13,
            at="/brevo/base_url",
            says="not Brevo's address",
            advises="`allow_other_base_url: true`",
        ),
    ),
    variant(
        "nothing left of the rate limit",
        "",
        "brevo:\n  headroom: 1\n",
        Told(line=17, column=13, at="/brevo/headroom", says="too large", advises="most is 0.9"),
    ),
    variant(
        "webhook without encryption",
        "",
        "notifications:\n  webhook_url: http://example.com/hook\n",
        Told(
            line=17,
            column=16,
            at="/notifications/webhook_url",
            says="https://",
            advises="Change http://",
        ),
    ),
    variant(
        "webhook that is no address",
        "",
        "notifications:\n  webhook_url: example.com\n",
        Told(
            line=17,
            column=16,
            at="/notifications/webhook_url",
            says="no web address",
            advises="in full",
        ),
    ),
    variant(
        "password in an address",
        "",
        "notifications:\n  webhook_url: https://me:hunter2@example.com/\n",
        Told(
            line=17,
            column=16,
            at="/notifications/webhook_url",
            says="password must not",
            advises="before the `@`",
        ),
    ),
    variant(
        "unknown notification",
        "",
        "notifications:\n  webhook_url: https://example.com\n  events: [sync_done]\n",
        Told(
            line=18,
            column=12,
            at="/notifications/events/0",
            says="`sync_done`",
            advises="sync_completed, sync_failed or",
        ),
    ),
    variant(
        "notification twice",
        "",
        "notifications:\n  webhook_url: https://example.com\n"
        "  events: [sync_failed, sync_failed]\n",
        Told(
            line=18,
            column=25,
            at="/notifications/events/1",
            says="already",
            advises="Keep one",
        ),
    ),
    variant(
        "one notification without brackets",
        "",
        "notifications:\n  webhook_url: https://example.com\n  events: sync_failed\n",
        Told(
            line=18,
            column=11,
            at="/notifications/events",
            says="a list",
            advises='["sync_failed"]',
        ),
    ),
    variant(
        "address without a sign",
        "",
        "notifications:\n  webhook_url: ''\n",
        Told(
            line=17,
            column=16,
            at="/notifications/webhook_url",
            says="Nothing stands here",
            advises="webhook_url: https://",
        ),
    ),
    variant(
        "notifications for nobody",
        "",
        "notifications:\n  events: [sync_failed]\n",
        Told(
            line=16,
            column=1,
            at="/notifications",
            says="Nobody is told",
            advises="Add `webhook_url:`",
        ),
    ),
)


@pytest.mark.parametrize(
    ("text", "told"), [pytest.param(text, told, id=name) for name, text, told in VARIANTS]
)
def test_broken_variant_is_told(tmp_path: Path, text: str, told: tuple[Told, ...]) -> None:
    """Exactly the expected problems are told, each at its place, with what to do about it."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    config, problems = check(path)
    assert config is None
    assert [(problem.line, problem.column, problem.pointer) for problem in problems] == [
        (expected.line, expected.column, expected.at) for expected in told
    ]
    for problem, expected in zip(problems, told, strict=True):
        assert expected.says in problem.message
        assert expected.advises in problem.hint


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text, _ in VARIANTS])
def test_every_problem_is_two_sentences(tmp_path: Path, text: str) -> None:
    """What is wrong and what to do are sentences of their own, on one line each, and not long."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    _, problems = check(path)
    for problem in problems:
        for sentence in (problem.message, problem.hint):
            assert sentence.endswith((".", "?", "…"))
            assert sentence.isprintable()
            assert len(sentence) < 250


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text, _ in VARIANTS])
def test_no_problem_repeats_a_secret(tmp_path: Path, text: str) -> None:
    """No message, hint or pointer holds a key or a password, whatever else is wrong."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{text}\nbrevo: {{api_key: {KEY}, plan: {KEY}, {KEY}: 1}}\n", encoding="utf-8")
    _, problems = check(path)
    told = " ".join(str(problem) for problem in problems)
    assert "xkeysib" not in told
    assert KEY[8:20] not in told
    assert "hunter2" not in told


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Problems of key, kind, word and meaning are told together, from the top to the end."""
    broken = (
        GOOD.replace("enabled: true", "enabled: maybe")
        .replace("lastName: LASTNAME", "lastName: FIRSTNAME")
        .replace("sync_mode: realtime", "sync_mood: realtime")
        .replace("list_id: 5", "default_region: XX")
    )
    path = tmp_path / "config.yaml"
    path.write_text(broken, encoding="utf-8")
    _, problems = check(path)
    assert [problem.line for problem in problems] == [3, 8, 13, 15]


def test_good_configuration_has_no_problem(tmp_path: Path) -> None:
    """What all the variants are made from is itself fine."""
    path = tmp_path / "config.yaml"
    path.write_text(GOOD, encoding="utf-8")
    config, problems = check(path)
    assert config is not None
    assert problems == ()
