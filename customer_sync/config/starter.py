"""The commented config.yaml that `customer-sync init` writes."""

import json
import re
from collections.abc import Iterable, Mapping
from string import Template

from customer_sync.config.fields import STANDARD_RULES
from customer_sync.config.model import Target
from customer_sync.core.model import DeleteBehavior, FieldRule, SourceName, Step
from customer_sync.core.platforms import Platform
from customer_sync.errors import ConfigError
from customer_sync.trouble import Code

_TEXT = Template("""\
# The configuration of customer-sync. `customer-sync validate config.yaml` checks it;
# `customer-sync schema config` prints its JSON Schema, for editors that complete and check.
# Keys may be written in snake_case or in camelCase.
version: 1

brevo:
  # sandbox: an emulator of Brevo on this machine; no account is needed and nobody is mailed.
  # live: your account. Look at `customer-sync run --dry-run` before the first real run.
  target: $target
  # The key stays out of this file: name the environment variable that holds it.
  api_key: $api_key
$base_url  # Which of Brevo's rate limits hold for your account: general, advanced or extended.
  plan: general

skills:
  customer-sync:
    # false: every command that would write says so and changes nothing.
    enabled: true
    # shopify, woocommerce, magento, or custom for any JSON, JSON Lines or CSV file.
    source: $source
$shop
    # Field of the customer: attribute of the contact. Nothing else is ever written.
    # Consent (acceptsMarketing) needs no entry. A longer entry names a type and transforms:
    #   birthday: {attribute: BIRTHDAY, type: date, transform: {date: "%d.%m.%Y"}}
    # `customer-sync inspect FILE` shows what a file has and proposes a mapping.
    field_mapping:
$fields

    options:
      # batch: read the source when asked. realtime: follow it all the time.
      sync_mode: batch
      # What a deletion at the shop means. soft: block the contact and take it off the list.
      # hard: delete it at Brevo.
      delete_behavior: $delete_behavior
      # The list at Brevo that customers belong to, by its number.
$list_id
      # May a customer_created event update a contact that exists already?
      update_enabled: true
      # Who wins when somebody edited a contact in Brevo and the shop said nothing new:
      # source or brevo.
      on_drift: source
      # May newer, explicit consent at the shop lift a block that the sync set? never or newer.
      resubscribe: never
      # The country of phone numbers that name none themselves, by its two letters.
      # default_region: US
      # Where a source without consent of its own keeps it: a column, a field or a path.
      # consent_field: meta_data[newsletter]
      # More deletions (of the known contacts) or rejected records than this stop or wait for
      # you: a number or a share.
      # max_deletes: 10%
      # max_rejects: 5%

    # Tests of this configuration. `customer-sync validate config.yaml` carries them out, and so
    # does every run before it looks at Brevo; if one fails, nothing is written.
    # tests:
    #   - name: a no at the shop blocks
    #     customer: {email: jane@example.com, acceptsMarketing: false}
    #     contact: {blocked: false}
    #     expect: {update: {blocked: true}}
    #   - name: whoever unsubscribed in Brevo stays unsubscribed
    #     customer: {email: jane@example.com, acceptsMarketing: true}
    #     contact: {blocked: true}
    #     expect: {keep: {blocked: true}}
    #   - name: an address without @ is rejected
    #     customer: {email: jane.example.com}
    #     expect: {reject: {rule: email}}

    # How much is told during a run: error, warning, info, verbose or debug.
    log_level: info
    # Where the log of runs goes, besides what is shown: text, or json for programs.
    # logging: {file: .customer-sync/sync.log, format: text, max_size: 10MB, keep: 5}

$notifications
""")

_SHOP = Template("""
    # The shop itself, for `customer-sync pull $source` and `customer-sync run $source:`.
    # Secrets stay in the environment:
    # $variables.
    # shop:
    #   url: $url
""")
_SHOPS: Mapping[Platform, tuple[str, str]] = {
    SourceName.SHOPIFY: ("https://example.myshopify.com", "SHOPIFY_ACCESS_TOKEN"),
    SourceName.WOOCOMMERCE: (
        "https://shop.example.com",
        "WOOCOMMERCE_CONSUMER_KEY and WOOCOMMERCE_CONSUMER_SECRET",
    ),
    SourceName.MAGENTO: ("https://shop.example.com", "MAGENTO_ACCESS_TOKEN"),
}

_NO_LIST = "      # list_id: 5"

_NO_WEBHOOK = """\
# Who is told when a run ended.
# notifications:
#   webhook_url: https://example.com/hooks/customer-sync
#   events: [sync_completed, sync_failed, batch_completed]"""

_WEBHOOK = Template("""\
# Who is told when a run ended.
notifications:
  webhook_url: $url
  events: [sync_completed, sync_failed, batch_completed]""")

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_PLAIN = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Words that a YAML reader, of this or an older version, takes for something else than text."""


def template(
    *,
    source: Platform,
    target: Target = Target.SANDBOX,
    api_key_variable: str = "BREVO_API_KEY",
    base_url: str | None = None,
    list_id: int | None = None,
    rules: Iterable[FieldRule] = STANDARD_RULES,
    delete_behavior: DeleteBehavior = DeleteBehavior.SOFT,
    webhook_url: str | None = None,
) -> str:
    """Return a config.yaml that says what the arguments say and explains every line.

    It is exactly as valid as the arguments: `check` tells what is wrong with either.

    Raises:
        ConfigError: *api_key_variable* is no name of a variable, so that it may be the key itself,
            which must not get into a file.
    """
    if not _PLAIN.fullmatch(api_key_variable):
        raise ConfigError(
            "What should name the environment variable with the key for Brevo is no such name.",
            trouble=Code.ENVIRONMENT,
            hint="Give a name made of letters, digits and `_`, such as BREVO_API_KEY, not the key.",
        )
    return _TEXT.substitute(
        source=source,
        shop=_shop(source),
        target=target,
        api_key=f"${{{api_key_variable}}}",
        base_url="" if base_url is None else f"  base_url: {_scalar(base_url)}\n",
        fields="\n".join(f"      {_scalar(rule.field)}: {_entry(rule)}" for rule in rules),
        delete_behavior=delete_behavior,
        list_id=_NO_LIST if list_id is None else f"      list_id: {list_id}",
        notifications=_NO_WEBHOOK
        if webhook_url is None
        else _WEBHOOK.substitute(url=_scalar(webhook_url)),
    )


def _shop(source: Platform) -> str:
    """Return the example of a shop, where the source has one."""
    if source not in _SHOPS:
        return ""
    url, variables = _SHOPS[source]
    return _SHOP.substitute(source=source, url=url, variables=variables)


def _entry(rule: FieldRule) -> str:
    if rule.type is None and not rule.steps:
        return _scalar(rule.attribute)
    parts = [f"attribute: {_scalar(rule.attribute)}"]
    if rule.type is not None:
        parts.append(f"type: {rule.type}")
    if rule.steps:
        parts.append(f"transform: [{', '.join(_step(step) for step in rule.steps)}]")
    return f"{{{', '.join(parts)}}}"


def _step(step: Step) -> str:
    if step.argument is None:
        return step.name
    return f"{{{step.name}: {_quoted(step.argument)}}}"


def _scalar(text: str) -> str:
    """Return *text* as YAML, in quotes unless it is a plain word."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN
    return text if is_plain else _quoted(text)


def _quoted(value: object) -> str:
    """Return *value* in JSON's notation, which YAML shares but for the escapes beyond U+FFFF."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in written)
