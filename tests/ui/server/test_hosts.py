"""By which names the server may be called, and from which pages a connection may be opened."""

from __future__ import annotations

import pytest

from ui.server.hosts import ALWAYS, is_allowed_host, is_allowed_origin, plain_address


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8501", "localhost.", "127.0.0.1:1", "[::1]", "[::1]:8501",
     "[0:0:0:0:0:0:0:1]:8501"],
)  # fmt: skip
def test_this_machine_is_always_a_name(host: str) -> None:
    assert is_allowed_host(host, ALWAYS)


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "localhost.evil.example", "evil.example:8501", "127.0.0.1.nip.io",
     "localhost@evil.example", "evil@localhost", "@localhost", "localhost/evil", "localhost?x",
     "localhost#x", "localhost:port", "localhost:99999", "[::1", "::1:8501:x", "[::2]", "*",
     "127.0.0.2", " ", "local host"],
)  # fmt: skip
def test_other_names_are_not(host: str | None) -> None:
    assert not is_allowed_host(host, ALWAYS)


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("asma.example.org", "asma.example.org", True),
        ("Asma.Example.org:443", "asma.example.ORG", True),
        ("asma.example.org", "example.org", False),
        ("asma.example.org", "*.example.org", True),
        ("a.b.example.org", "*.example.org", True),
        ("example.org", "*.example.org", False),
        ("badexample.org", "*.example.org", False),
        ("10.0.0.5:8501", "10.0.0.5", True),
        ("[fd00::5]:8501", "[fd00::5]", True),
        ("anything", "*", True),
        ("anything", "", False),
    ],
)
def test_names_that_the_owner_gave(host: str, allowed: str, expected: bool) -> None:
    assert is_allowed_host(host, (allowed,)) is expected


@pytest.mark.parametrize(
    ("origin", "host", "named", "expected"),
    [
        (None, "localhost:8501", (), True),
        ("http://localhost:8501", "localhost:8501", (), True),
        ("https://asma.example.org", "asma.example.org", (), True),
        # Another server of this machine, or of the same name.
        ("http://localhost:9999", "localhost:8501", (), False),
        ("http://127.0.0.1:8501", "localhost:8501", (), False),
        ("https://asma.example.org:444", "asma.example.org", ("asma.example.org",), False),
        # A proxy that calls the server by an address of its own.
        ("https://asma.example.org", "127.0.0.1:8501", ("asma.example.org",), True),
        ("https://evil.example", "127.0.0.1:8501", ("asma.example.org",), False),
        ("null", "localhost:8501", (), False),
        ("", "", (), False),
        ("http://", "", (), False),
        ("file://", None, ("*",), False),
        ("https://evil@localhost:8501", "localhost:8501", (), False),
    ],
)
def test_from_which_pages(
    origin: str | None, host: str | None, named: tuple[str, ...], expected: bool
) -> None:
    assert is_allowed_origin(origin, host, named) is expected


def test_an_address_is_written_as_people_do() -> None:
    assert plain_address("::ffff:10.0.0.5") == "10.0.0.5"
    assert plain_address("0:0:0:0:0:0:0:1") == "::1"
    assert plain_address("asma.example.org") == "asma.example.org"
