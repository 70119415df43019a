"""Commands share blocks of options."""

import inspect

from customer_sync.cli.bundles import bundled


def _size_of(*, width: int = 1, height: int = 2) -> tuple[int, int]:
    return width, height


@bundled(size=_size_of)
def _draw(name: str, *, size: tuple[int, int], bold: bool = False) -> int:
    """Draw."""
    assert name == "box"
    return size[0] * size[1] * (10 if bold else 1)


def test_the_options_stand_where_the_value_does() -> None:
    """In their order, with their defaults."""
    assert str(inspect.signature(_draw)) == (
        "(name: str, *, width: int = 1, height: int = 2, bold: bool = False) -> int"
    )
    assert (_draw.__name__, _draw.__doc__) == ("_draw", "Draw.")


def test_the_command_is_given_what_is_made_of_them() -> None:
    """Its other options as they are."""
    assert _draw(name="box", width=3, height=4, bold=True) == 120


def test_a_command_without_blocks_stays_as_it_is() -> None:
    """Nothing is added."""

    def plain(*, name: str) -> int:
        return len(name)

    assert str(inspect.signature(bundled()(plain))) == "(*, name: str) -> int"
    assert bundled()(plain)(name="box") == 3
