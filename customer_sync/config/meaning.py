"""From a document of the right shape to a Config, with what only its meaning shows to be wrong."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path as FilePath
from typing import TypeVar

from customer_sync.config.addresses import (
    address_flaw,
    is_brevo,
    names_private_host,
    stays_here,
)
from customer_sync.config.cases import read_cases
from customer_sync.config.fields import IDENTIFIERS, read_rules
from customer_sync.config.findings import Findings
from customer_sync.config.model import (
    FULL_REFRESH_EVERY,
    BrevoSettings,
    Config,
    LogLevel,
    LogSettings,
    Notifications,
    RealtimeSettings,
    RetrySettings,
    RunEvent,
    ShopSettings,
    SyncMode,
    Target,
)
from customer_sync.config.problems import listed, quoted
from customer_sync.config.section import Section
from customer_sync.config.spelling import parse_duration, parse_limit, parse_size
from customer_sync.core.model import (
    DeleteBehavior,
    FieldRule,
    Limit,
    OnDrift,
    Policy,
    Resubscribe,
    SourceName,
)
from customer_sync.core.platforms import Platform, platform_named
from customer_sync.core.values.phones import SUPPORTED_REGIONS

Word = TypeVar("Word", bound=StrEnum)

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_LONGEST_DURATION = timedelta(days=3650)

_COMMON_REGION_SLIPS = {"UK": "GB", "EN": "GB", "USA": "US", "EL": "GR"}


def understand(path: FilePath, root: object, findings: Findings) -> Config:
    """Return what *root* means; it is to be used only if *findings* stays empty.

    What the schema's check spoiled reads as absent here, so that the rest is checked all the same.
    """
    top = Section(root, (), findings)
    skill = top.section("skills").section("customer_sync")
    options = skill.section("options")
    rules = read_rules(skill.section("field_mapping"), findings)
    debug = _either(top, skill, "debug", findings).flag("debug") or False
    level = _word(_either(top, skill, "log_level", findings), "log_level", LogLevel.INFO)
    source = platform_named(skill.text("source") or "") or SourceName.CUSTOM
    policy = _policy(options, rules, findings)
    return Config(
        path=path,
        brevo=_brevo(top.section("brevo"), options, findings),
        enabled=_flag(skill, "enabled", default=True),
        source=source,
        rules=rules,
        policy=policy,
        sync_mode=_word(options, "sync_mode", SyncMode.BATCH),
        default_region=_region(options, findings),
        include_guests=_flag(options, "include_guests", default=False),
        consent_field=options.text("consent_field"),
        records=options.text("records"),
        full_refresh_every=_duration(options, "full_refresh_every", FULL_REFRESH_EVERY, findings),
        max_deletes=_limit(options, "max_deletes"),
        max_rejects=_limit(options, "max_rejects"),
        retry=_retry(options.section("retry"), findings),
        debug=debug or level is LogLevel.DEBUG,
        log_level=LogLevel.DEBUG if debug else level,
        logging=_logging(
            path, _either(top, skill, "logging", findings).section("logging"), findings
        ),
        notifications=_notifications(
            _either(top, skill, "notifications", findings).section("notifications"), findings
        ),
        realtime=_realtime(_either(top, skill, "realtime", findings).section("realtime")),
        metrics_file=_beside(
            path, _either(top, skill, "metrics_file", findings).text("metrics_file")
        ),
        shop=_shop(skill.section("shop"), source, findings) if "shop" in skill else None,
        cases=read_cases(skill, rules, policy, findings),
    )


def _either(top: Section, skill: Section, name: str, findings: Findings) -> Section:
    """Return the section that holds *name*: the skill's block or the top; both is a finding."""
    if name in top and name in skill:
        line = findings.line(top.at(name))
        findings.add_to_key(
            skill.at(name),
            f"{quoted(name)} stands at the top of the file (line {line}) as well.",
            "Keep one of the two.",
        )
    return skill if name in skill else top


def _beside(path: FilePath, name: str | None) -> FilePath | None:
    """Return the file that *name* means; a relative name begins where the configuration is."""
    return None if name is None else path.parent / name


def _brevo(brevo: Section, options: Section, findings: Findings) -> BrevoSettings:
    default = BrevoSettings()
    headroom, batch_size = brevo.number("headroom"), options.whole("batch_size")
    timeout = _duration(brevo, "timeout", timedelta(seconds=default.timeout_s), findings)
    settings = BrevoSettings(
        target=_word(brevo, "target", default.target),
        api_key_variable=_variable(brevo, "api_key"),
        plan=_word(brevo, "plan", default.plan),
        base_url=brevo.text("base_url"),
        allow_other_base_url=_flag(brevo, "allow_other_base_url", default=False),
        headroom=default.headroom if headroom is None else headroom,
        batch_size=default.batch_size if batch_size is None else batch_size,
        timeout_s=timeout.total_seconds(),
    )
    _check_address(brevo, "base_url", findings)
    _check_target(settings, brevo, findings)
    return settings


def _check_target(settings: BrevoSettings, brevo: Section, findings: Findings) -> None:
    """Require a key for the real account, and keep what calls itself sandbox away from it."""
    if settings.target is Target.LIVE and "api_key" not in brevo:
        findings.add(
            brevo.at("target"),
            "A live account needs a key.",
            "Add `api_key: ${BREVO_API_KEY}` next to it and set that environment variable.",
        )
    if settings.target is Target.SANDBOX and settings.base_url and is_brevo(settings.base_url):
        findings.add(
            brevo.at("base_url"),
            "This address leads to the real Brevo, but the target is the sandbox.",
            "Remove `base_url`, or write `target: live` if the real account is meant.",
        )

    if settings.target is Target.LIVE and _leads_elsewhere(settings):
        findings.add(
            brevo.at("base_url"),
            "This is not Brevo's address, and the key would be sent there.",
            "Remove `base_url`, or add `allow_other_base_url: true` if that server may have it.",
        )


def _leads_elsewhere(settings: BrevoSettings) -> bool:
    """Tell whether the key would go to strangers: neither to Brevo nor to this machine."""
    url = settings.base_url
    if url is None or settings.allow_other_base_url or address_flaw(url):
        return False
    return not is_brevo(url) and not stays_here(settings)


def _policy(options: Section, rules: Iterable[FieldRule], findings: Findings) -> Policy:
    deleted_attribute = options.text("deleted_attribute")
    policy = Policy(
        list_id=options.whole("list_id"),
        delete_behavior=_word(options, "delete_behavior", DeleteBehavior.SOFT),
        deleted_attribute=deleted_attribute.upper() if deleted_attribute else None,
        update_enabled=_flag(options, "update_enabled", default=True),
        on_drift=_word(options, "on_drift", OnDrift.SOURCE),
        resubscribe=_word(options, "resubscribe", Resubscribe.NEVER),
    )
    taken = {rule.attribute for rule in rules} | set(IDENTIFIERS)
    if policy.deleted_attribute in taken:
        findings.add(
            options.at("deleted_attribute"),
            f"The attribute {quoted(policy.deleted_attribute)} is in use for something else.",
            "Name a boolean attribute that no field is mapped to, such as DELETED_IN_SHOP.",
        )
    return policy


def _retry(retry: Section, findings: Findings) -> RetrySettings:
    default = RetrySettings()
    settings = RetrySettings(
        max_attempts=retry.whole("max_attempts") or default.max_attempts,
        base_delay=_duration(retry, "base_delay", default.base_delay, findings),
        max_delay=_duration(retry, "max_delay", default.max_delay, findings),
    )
    if settings.base_delay > settings.max_delay:
        findings.add(
            retry.at("base_delay" if "base_delay" in retry else "max_delay"),
            "The first delay is longer than the longest one.",
            "Make `base_delay` (5m if not given) at most `max_delay` (24h if not given).",
        )
    return settings


def _logging(path: FilePath, block: Section, findings: Findings) -> LogSettings:
    default = LogSettings()
    size, keep = block.text("max_size"), block.whole("keep")
    max_bytes = default.max_bytes if size is None else parse_size(size)
    if max_bytes == 0:
        findings.add(
            block.at("max_size"),
            "A file of no size holds no line.",
            "Write a size such as `10MB`; `keep: 0` lets the file grow.",
        )
    return LogSettings(
        format=_word(block, "format", default.format),
        file=_beside(path, block.text("file")),
        max_bytes=max_bytes,
        keep=default.keep if keep is None else keep,
    )


def _realtime(block: Section) -> RealtimeSettings:
    default, max_delay = RealtimeSettings(), block.number("max_delay_s")
    return RealtimeSettings(
        max_delay_s=default.max_delay_s if max_delay is None else max_delay,
        max_batch=block.whole("max_batch") or default.max_batch,
        inbox_limit=block.whole("inbox_limit") or default.inbox_limit,
        pending_limit=block.whole("pending_limit") or default.pending_limit,
    )


def _notifications(block: Section, findings: Findings) -> Notifications:
    variable = _variable(block, "webhook_url")
    allow_private = _flag(block, "allow_private", default=False)
    if variable is None:
        _check_address(block, "webhook_url", findings)
        _check_publicity(block, findings, allow_private=allow_private)
    if (
        "webhook_url" not in block
        and "services" not in block
        and any(name in block for name in ("events", "webhook_secret", "allow_private"))
    ):
        findings.add_to_key(
            block.place,
            "Nobody is told: the key `webhook_url` is missing.",
            "Add `webhook_url:` with an https address, or remove the block.",
        )
    events = tuple(RunEvent(word) for word in block.texts("events"))
    return Notifications(
        webhook_url=None if variable else block.text("webhook_url"),
        webhook_url_variable=variable,
        secret_variable=_variable(block, "webhook_secret"),
        events=events or Notifications().events,
        allow_private=allow_private,
        service_variables=tuple(
            reference[1]
            for text in block.texts("services")
            if (reference := _REFERENCE.fullmatch(text.strip()))
        ),
    )


def _check_publicity(block: Section, findings: Findings, *, allow_private: bool) -> None:
    """Refuse an address that shows by itself that nobody would be told."""
    url = block.text("webhook_url")
    if url is None or allow_private or address_flaw(url) or not names_private_host(url):
        return
    findings.add(
        block.at("webhook_url"),
        "This address is within a private network, where notifications are not sent unasked.",
        "Add `allow_private: true` next to it if it is meant.",
    )


_KEYS_OF_SHOPS: Mapping[Platform, tuple[str, ...]] = {
    SourceName.SHOPIFY: ("api_version", "access_token", "client_id", "client_secret"),
    SourceName.WOOCOMMERCE: ("consumer_key", "consumer_secret"),
    SourceName.MAGENTO: ("store_code", "access_token"),
}
"""Which keys of a shop mean something on which platform only; others cannot be pulled from."""


def _shop(shop: Section, source: Platform, findings: Findings) -> ShopSettings:
    default = ShopSettings()
    _check_address(shop, "url", findings)
    _check_keys_of_shop(shop, source, findings)
    if not {"?", "#"}.isdisjoint(shop.text("url") or ""):
        findings.add(
            shop.at("url"),
            "The address of a shop has no `?` or `#`.",
            "Write it without them and all that follows.",
        )
    return ShopSettings(
        url=(shop.text("url") or "").rstrip("/"),
        api_version=shop.text("api_version") or default.api_version,
        store_code=shop.text("store_code"),
        page_size=shop.whole("page_size"),
        overlap=_duration(shop, "overlap", default.overlap, findings),
        access_token_variable=_variable(shop, "access_token"),
        client_id_variable=_variable(shop, "client_id"),
        client_secret_variable=_variable(shop, "client_secret"),
        consumer_key_variable=_variable(shop, "consumer_key"),
        consumer_secret_variable=_variable(shop, "consumer_secret"),
    )


def _check_keys_of_shop(shop: Section, source: Platform, findings: Findings) -> None:
    known = _KEYS_OF_SHOPS.get(source, ())
    if not known:
        findings.add_to_key(
            shop.place,
            f"Customers cannot be pulled from a {source} source.",
            "Name shopify, woocommerce or magento in `source:`, or remove the block.",
        )
        return
    for name in dict.fromkeys(key for keys in _KEYS_OF_SHOPS.values() for key in keys):
        if name in shop and name not in known:
            findings.add_to_key(
                shop.at(name),
                f"`{name}` means nothing for {source}.",
                f"Remove it; for {source} there are {listed(known, last='and')}.",
            )
    if ("client_id" in shop) != ("client_secret" in shop):
        findings.add_to_key(
            shop.at("client_id" if "client_id" in shop else "client_secret"),
            "`client_id` and `client_secret` belong together.",
            "Name both variables, or an `access_token` instead.",
        )
    elif "client_id" in shop and "access_token" in shop:
        findings.add_to_key(
            shop.at("access_token"),
            "With `client_id` and `client_secret` the token is fetched, so none is needed here.",
            "Keep either the token, or the other two.",
        )


def _region(options: Section, findings: Findings) -> str | None:
    region = (options.text("default_region") or "").upper()
    if not region or region in SUPPORTED_REGIONS:
        return region or None
    meant = _COMMON_REGION_SLIPS.get(region)
    findings.add(
        options.at("default_region"),
        f"There is no country {quoted(region)}.",
        f"Did you mean `{meant}`?" if meant else "Write two letters of ISO 3166-1: US, GB, DE, …",
    )
    return None


def _check_address(section: Section, name: str, findings: Findings) -> None:
    url = section.text(name)
    if url is not None and (flaw := address_flaw(url)):
        findings.add(section.at(name), *flaw)


def _duration(section: Section, name: str, default: timedelta, findings: Findings) -> timedelta:
    text = section.text(name)
    if text is None:
        return default
    duration = parse_duration(text)
    if timedelta() < duration <= _LONGEST_DURATION:
        return duration
    findings.add(
        section.at(name),
        f"{quoted(text)} is too {'long' if duration else 'short'}.",
        f"Write more than nothing and at most {_LONGEST_DURATION.days}d.",
    )
    return default


def _limit(section: Section, name: str) -> Limit | None:
    text, count = section.text(name), section.whole(name)
    if text is not None:
        return parse_limit(text)
    return None if count is None else Limit(count=count)


def _flag(section: Section, name: str, *, default: bool) -> bool:
    flag = section.flag(name)
    return default if flag is None else flag


def _word(section: Section, name: str, default: Word) -> Word:
    text = section.text(name)
    return default if text is None else type(default)(text)


def _variable(section: Section, name: str) -> str | None:
    """Return the NAME of `${NAME}`, or None where something else stands or nothing."""
    reference = _REFERENCE.fullmatch(section.text(name) or "")
    return reference[1] if reference else None
