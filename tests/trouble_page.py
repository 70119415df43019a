"""The page about troubles, written from the catalogue that `explain` reads."""

from collections.abc import Iterator

from customer_sync.remedies import ADVICE, AREAS, Advice
from customer_sync.trouble import Code

_HEAD = """\
# Troubleshooting

Every error has a code. It stands on the screen (`error CS401: …`) and, as `trouble`, in what
`--json` prints: what stopped a run, and its rejections, warnings, deferred and failed changes.
`customer-sync explain CS401` tells the same as this page, and `customer-sync explain --list` shows
all codes. The page is written by `pytest tests/cli/test_trouble.py --update-golden`.

What Brevo answers, in its own words, leads to the code:

| Brevo answers | code |
|---|---|
"""


def trouble_page() -> str:
    """Return docs/troubleshooting.md."""
    return _HEAD + "".join(_symptoms()) + "".join(_areas())


def _symptoms() -> Iterator[str]:
    """Yield the answers of Brevo, each with its section."""
    for code, advice in ADVICE.items():
        for symptom in advice.symptoms:
            yield f"| {symptom} | {_link(code)}: {advice.title} |\n"


def _areas() -> Iterator[str]:
    for digit, area in AREAS.items():
        yield f"\n## {area}\n"
        for code, advice in ADVICE.items():
            if code[2] == digit:
                yield _section(code, advice)


def _section(code: Code, advice: Advice) -> str:
    parts = [f"\n({code.lower()})=\n### {code}: {advice.title}\n", f"\n{advice.meaning}\n"]
    if advice.symptoms:
        parts.append("\nBrevo answers:\n\n")
        parts += [f"- {symptom}\n" for symptom in advice.symptoms]
    parts.append(f"\n**What to do.** {advice.remedy}\n")
    if advice.see:
        parts.append(f"\nSee also {', '.join(map(_link, advice.see))}.\n")
    return "".join(parts)


def _link(code: Code) -> str:
    return f"[{code}](#{code.lower()})"
