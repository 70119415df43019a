"""YAML as plain values that remember where they stood."""

import pytest

from customer_sync.config.document import parse, pointer
from customer_sync.config.syntax import BrokenYaml, Spot


def test_values_and_places() -> None:
    """Every key, value and item knows its line and column, counted from 1."""
    document = parse("a:\n  b: [1, x]\nc: true\n")
    assert document.root == {"a": {"b": [1, "x"]}, "c": True}
    assert document.key_spot(("a", "b")) == Spot(line=2, column=3)
    assert document.spot(("a", "b", 1)) == Spot(line=2, column=10)
    assert document.spot(("c",)) == Spot(line=3, column=4)


def test_block_is_found_at_its_key() -> None:
    """A block that begins a line further down is looked for where its key stands."""
    assert parse("a:\n  b: 1\n").spot(("a",)) == Spot(line=1, column=1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("2024-01-15", "2024-01-15"),
        ("12:30", "12:30"),
        ("0x1F", "0x1F"),
        ("010", 10),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("1e999", None),
        (".inf", ".inf"),
        ("9" * 19, float("9" * 19)),
        ("~", None),
        ("", None),
        ("True", True),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("+12025550100", 12025550100),
    ],
)
def test_scalars_mean_what_editors_take_them_for(written: str, meant: object) -> None:
    """Scalars follow YAML 1.2: the country NO is a text, a date too, and no number is infinite."""
    assert parse(f"key: {written}").root == {"key": meant}


def test_keys_are_texts() -> None:
    """A key that looks like a number or a truth value is what was written."""
    assert parse("2024: a\ntrue: b\n").root == {"2024": "a", "true": "b"}


def test_aliases_and_merges() -> None:
    """An anchor's block can be used again, and merged under what the block says itself."""
    document = parse("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\nd: {<<: [{p: 0}, *x]}\n")
    assert document.root == {
        "a": {"p": 1, "q": 2},
        "b": {"p": 1, "q": 2},
        "c": {"p": 1, "q": 3},
        "d": {"p": 0, "q": 2},
    }
    assert document.flaws == ()


def test_merging_what_is_no_block() -> None:
    """`<<` with a text is told, and the rest of the block is still there."""
    document = parse("a: {<<: text, p: 1}\n")
    assert document.root == {"a": {"p": 1}}
    assert [flaw.spot for flaw in document.flaws] == [Spot(line=1, column=9)]


def test_merges_of_merges() -> None:
    """A block that is merged brings along what was merged into it, after its own entries."""
    document = parse("a: &a {p: 1, q: 1}\nb: &b {<<: *a, q: 2}\nc: {<<: *b}\n")
    assert document.root == {
        "a": {"p": 1, "q": 1},
        "b": {"p": 1, "q": 2},
        "c": {"p": 1, "q": 2},
    }


@pytest.mark.parametrize("text", ["a: &a {<<: *a}", "a: &a {<<: [*a]}", "a: &a {b: {<<: *a}}"])
def test_merging_a_block_into_itself(text: str) -> None:
    """A block that would have to contain itself is told, not followed for ever."""
    assert len(parse(text).flaws) == 1


def test_exploding_merges_are_refused() -> None:
    """Merges of merges that double each time stop the reading."""
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)]
    with pytest.raises(BrokenYaml, match="values"):
        parse("\n".join(lines))


def test_first_of_two_equal_keys_counts() -> None:
    """A key given twice is a flaw at its second place."""
    document = parse("a: 1\nb: 2\na: 3\n")
    assert document.root == {"a": 1, "b": 2}
    assert [(flaw.spot, flaw.at) for flaw in document.flaws] == [(Spot(line=3, column=1), ("a",))]


def test_exploding_aliases_are_refused() -> None:
    """Aliases of aliases that would grow beyond any configuration stop the reading."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(BrokenYaml, match="values"):
        parse("\n".join(lines))


def test_pointer_escapes() -> None:
    """A slash and a tilde within a key are written as RFC 6901 wants it."""
    assert pointer(("a/b", 0, "c~d")) == "/a~1b/0/c~0d"
