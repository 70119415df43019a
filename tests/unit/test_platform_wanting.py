"""From the configuration to what is asked of the readers."""

from pathlib import Path

from customer_sync.config import Config, check, load
from customer_sync.core.model import FieldRule
from customer_sync.platforms.wanting import identity, wanted

TEXT = """\
version: 1
skills:
  customer-sync:
    source: custom
    field_mapping:
      Kontakt: EMAIL
      firstName: FIRSTNAME
      Group Code: GROUP
      meta_data[loyalty]: LOYALTY
      id: {attribute: EXT_ID, aliases: [Customer No, ref.number]}
    options:
      consent_field: Newsletter
      records: reply.customers
"""


def config(tmp_path: Path, text: str = TEXT) -> Config:
    """Load a configuration."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_the_configuration_says_where_fields_are(tmp_path: Path) -> None:
    """In either spelling of its keys."""
    for text in (TEXT, TEXT.replace("consent_field", "consentField")):
        loaded = config(tmp_path, text)
        assert (loaded.consent_field, loaded.records) == ("Newsletter", "reply.customers")
        assert loaded.rules[-1].aliases == ("customerNo", "ref.number")


def test_what_is_not_canonical_is_asked_for(tmp_path: Path) -> None:
    """The platform's own names and paths; who somebody is is known by further names."""
    asked = wanted(config(tmp_path).rules)
    assert asked.fields == {"kontakt", "groupCode", "metaData[loyalty]"}
    assert asked.aliases == {"id": ("customerNo", "ref.number"), "email": ("kontakt",)}
    assert identity(asked) == {"customerNo", "ref.number", "kontakt"}


def test_the_standard_mapping_asks_for_nothing_more() -> None:
    """Its fields are canonical."""
    asked = wanted([FieldRule(field="email", attribute="EMAIL")])
    assert (asked.fields, asked.aliases) == (frozenset(), {})


def test_wrong_wishes_are_told_with_their_place(tmp_path: Path) -> None:
    """As any other problem of the configuration."""
    path = tmp_path / "config.yaml"
    text = TEXT.replace("[Customer No, ref.number]", "[]").replace(": Newsletter", ": 5")
    path.write_text(text, encoding="utf-8")
    assert [problem.pointer for problem in check(path)[1]] == [
        "/skills/customer-sync/field_mapping/id/aliases",
        "/skills/customer-sync/options/consent_field",
    ]
