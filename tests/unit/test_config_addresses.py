"""Which web addresses a configuration may name."""

import pytest

from customer_sync.config.addresses import address_flaw, is_brevo


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/hook?shop=1",
        "http://localhost:8025/v3",
        "http://127.0.0.1/hook",
        "http://[::1]:9000/",
        "HTTPS://EXAMPLE.COM/",
    ],
)
def test_fine(url: str) -> None:
    """Encrypted addresses anywhere, and plain ones on this machine."""
    assert address_flaw(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://192.0.2.1/",
        "ftp://example.com/",
        "//example.com/",
        "https://",
        "https://example.com:port/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://exa mple.com/",
        "https://example.com/\nx",
        "https://me@example.com/",
        "https://me:secret@example.com/",
        "javascript:alert(1)",
        "",
    ],
)
def test_not_fine(url: str) -> None:
    """Anything else, and the address itself is not repeated."""
    flaw = address_flaw(url)
    assert flaw is not None
    assert "secret" not in "".join(flaw)


@pytest.mark.parametrize(
    ("url", "is_real"),
    [
        ("https://api.brevo.com/v3", True),
        ("https://API.SENDINBLUE.COM/v3", True),
        ("https://brevo.com.example.com/", False),
        ("https://notbrevo.com/", False),
        ("http://127.0.0.1:8025/brevo.com", False),
        ("https://[::1", False),
    ],
)
def test_the_real_brevo(url: str, *, is_real: bool) -> None:
    """Brevo's domains and what is below them, and nothing that only looks like it."""
    assert is_brevo(url) is is_real
