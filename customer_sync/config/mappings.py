"""Configurations that stand in no file: checked as one would be, and written as one."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from customer_sync.config.document import Document, parse
from customer_sync.config.findings import Findings
from customer_sync.config.meaning import understand
from customer_sync.config.model import Config
from customer_sync.config.problems import InvalidConfig
from customer_sync.config.shape import check_shape
from customer_sync.config.syntax import BrokenYaml
from customer_sync.errors import ConfigError
from customer_sync.trouble import Code


def from_mapping(content: Mapping[str, object], path: Path) -> Config:
    """Return what *content* says; relative names in it begin where *path* would be.

    Raises:
        InvalidConfig: something in it is wrong; every problem is told, with its pointer.
    """
    root = _plain(content)
    findings = Findings(path, Document(root=root))
    check_shape(root, findings)
    config = understand(path, root, findings)
    if problems := findings.problems():
        raise InvalidConfig(None, problems)
    return config


def read_root(text: str, path: Path) -> dict[str, object]:
    """Return what *text*, of the file at *path*, holds before it is understood.

    Raises:
        InvalidConfig: it is no YAML, or no block of keys.
    """
    findings = Findings(path, Document(root=None))
    try:
        root = parse(text).root
    except BrokenYaml as error:
        findings.add_flaw(error.flaw)
        raise InvalidConfig(path, findings.problems()) from None
    if not isinstance(root, dict):
        findings.add((), "This is no block of keys.", "Remove the file, and enable the skill anew.")
        raise InvalidConfig(path, findings.problems())
    return root


def as_yaml(content: Mapping[str, object]) -> str:
    """Return *content* as the text of a configuration file."""
    # In quotes, words such as `no` are texts in every version of YAML.
    return yaml.safe_dump(_plain(content), sort_keys=False, allow_unicode=True)


def _plain(content: Mapping[str, object]) -> object:
    try:
        return msgspec.to_builtins(dict(content), str_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            "A configuration holds texts, numbers, lists and dictionaries, and this holds "
            "something else.",
            trouble=Code.CONFIGURATION,
            hint="Give it as it would stand in config.yaml.",
        ) from error
