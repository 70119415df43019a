"""The sandbox as a server of its own process."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.errors import ConfigError
from customer_sync.sandbox import Sandbox
from customer_sync.sandbox.serve import base_url, bind, make_server, serve
from sandboxes import START, serving

PROGRAM = """
import sys
from pathlib import Path
from customer_sync.sandbox import Settings
from customer_sync.sandbox.serve import serve

serve(Path(sys.argv[1]), port=0, settings=Settings(api_key="right"),
      announce=lambda url: print(url, flush=True))
"""


def test_a_server_announces_its_url_and_stops_when_interrupted(tmp_path: Path) -> None:
    """It takes a free port, answers with its settings, drops for real, and goes on Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "brevo.db")],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process, httpx.Client(trust_env=False, headers={"api-key": "right"}) as client:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert client.get(f"{url}/account").status_code == 200
        assert client.get(f"{url}/account", headers={"api-key": "x"}).status_code == 401
        drop = {"route": "GET /account", "drop": True}
        client.post(f"{url.removesuffix('/v3')}/sandbox/faults", json=drop)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"{url}/account")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 130, -signal.SIGINT)


def test_a_client_that_leaves_in_the_middle_changes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A request whose body never arrives in full is not done, and nobody complains."""
    with Sandbox(tmp_path / "brevo.db", clock=SimulatedClock(START)) as sandbox:
        with serving(sandbox.app) as url:
            host, port = url.removesuffix("/v3").removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(
                    b"POST /v3/contacts HTTP/1.1\r\nhost: x\r\napi-key: k\r\n"
                    b"content-length: 100\r\n\r\n{"
                )
            with httpx.Client(trust_env=False, headers={"api-key": "k"}) as client:
                assert client.get(f"{url}/contacts").json()["count"] == 0
        assert sandbox.request_counts() == {"GET /contacts": 1}
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_other_hosts_are_refused(host: str) -> None:
    """Nothing that others can reach is listened on unasked."""
    with pytest.raises(ConfigError, match="other machines"):
        bind(host, 0)


def test_other_hosts_can_be_allowed() -> None:
    """Whoever asks for it gets it."""
    with bind("0.0.0.0", 0, allow_remote=True) as listener:
        assert base_url(listener).startswith("http://0.0.0.0:")


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none_is_told(port: int) -> None:
    """A number that no port has is an error with a hint."""
    with pytest.raises(ConfigError, match="cannot listen"):
        bind("127.0.0.1", port)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Two servers cannot share a port."""
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match="cannot listen"):
            serve(tmp_path / "brevo.db", port=port, announce=lambda _: None)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_the_url_of_an_ipv6_address_has_brackets() -> None:
    """The other loopback works as well."""
    try:
        listener = bind("::1", 0)
    except ConfigError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        assert base_url(listener).startswith("http://[::1]:")


def test_a_missing_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional package the message says how to get it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    async def app(*_: object) -> None:
        """Do nothing."""

    with pytest.raises(ConfigError, match="uvicorn") as caught:
        make_server(app)
    assert "customer-sync[serve]" in (caught.value.hint or "")
