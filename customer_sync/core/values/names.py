"""Field names: one spelling for the many that shops use."""

import re
from functools import lru_cache

_SEPARATORS = re.compile(r"[\s_\-]+")


@lru_cache(maxsize=4096)
def camel_case(name: str) -> str:
    """Return *name* in camelCase: `first_name`, `First Name` and `FIRST-NAME` are `firstName`.

    A name that is camelCase already stays as it is. In a dotted path every part is spelled anew,
    the dots stay. A name without any letter or digit comes back trimmed.
    """
    return ".".join(_camel_case_part(part) for part in name.strip().split("."))


def _camel_case_part(part: str) -> str:
    words = [word for word in _SEPARATORS.split(part) if word]
    if not words:
        return part
    first, *others = words
    is_shouted = first.isupper() and first[0].isupper()
    head = first.lower() if is_shouted else first[:1].lower() + first[1:]
    return head + "".join(_capitalised(word) for word in others)


def _capitalised(word: str) -> str:
    return word.capitalize() if word.isupper() else word[:1].upper() + word[1:]
