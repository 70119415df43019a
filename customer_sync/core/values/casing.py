"""The letter case of people's names."""

import re

_PARTICLES = frozenset(
    {
        *("af", "av", "da", "das", "de", "del", "della", "dem", "den", "der", "di", "dos", "du"),
        *("e", "ten", "ter", "van", "von", "y", "zu", "zum", "zur"),
    }
)
_WORD = re.compile(r"\S+")
_PART = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_ELIDED = re.compile(r"^([^\W\d_]{1,2})(['\u2019])([^\W\d_]{2,}.*)$")
_SCOTTISH = re.compile(r"^mc([^\W\d_]{3,})$")


def title_name(text: str) -> str:
    """Return *text* with the capitals that a person's name has.

    - Words whose case says something (`McDonald`, `DiCaprio`) stay as they were written; only
      words wholly in lower or wholly in upper case are changed.
    - Every part of a hyphenated name gets a capital: `anne-marie` becomes `Anne-Marie`.
    - A letter or two before an apostrophe are an elision, so that `o'neill` becomes `O'Neill`.
    - `mcgregor` becomes `McGregor`; `mac` is left alone, since `Macy` and `MacLeod` look alike.
    - Particles (`van`, `der`, `de`, `von`, ...) are small before another word and have a capital
      at the end: `VAN DER BERG` becomes `van der Berg`, a given name `van` becomes `Van`.

    Spaces stay as they are. Applying it twice changes nothing more.
    """
    # One word in mixed case, as most names are written, stays as it is.
    is_right = text.isalpha() and not (text.islower() or text.isupper())
    return text if is_right else _title_words(text)


def _title_words(text: str) -> str:
    last = max((match.start() for match in _WORD.finditer(text)), default=0)
    return _WORD.sub(lambda match: _title_word(match.group(), is_last=match.start() == last), text)


def _title_word(word: str, *, is_last: bool) -> str:
    if not (word.islower() or word.isupper()):
        return word
    if word.lower() in _PARTICLES and not is_last:
        return word.lower()
    return _PART.sub(lambda match: _title_part(match.group().lower()), word)


def _title_part(part: str) -> str:
    if elided := _ELIDED.match(part):
        before, apostrophe, after = elided.groups()
        return before.capitalize() + apostrophe + after.capitalize()
    if scottish := _SCOTTISH.match(part):
        return "Mc" + scottish.group(1).capitalize()
    return part.capitalize()
