"""A person at a page, without a browser: what that would send, and when all has come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

LONGEST = 120.0


class Visitor:
    """One session of a server; a page after the other."""

    def __init__(self, socket: ClientConnection) -> None:
        """Talk over a connection; see `visiting`."""
        self._socket = socket

    def visit(self, page: str, query: Mapping[str, str]) -> float:
        """Open a page and return the seconds until all of it was there.

        Args:
            page: Its name in the address; "" for the first one.
            query: What stands after it.

        Raises:
            RuntimeError: The page shows an error.
        """
        asked = BackMsg()
        asked.rerun_script.query_string = urlencode(query)
        asked.rerun_script.page_name = page
        began = time.perf_counter()
        self._socket.send(asked.SerializeToString())
        while True:
            data = self._socket.recv(timeout=LONGEST)
            assert isinstance(data, bytes)
            said = ForwardMsg.FromString(data)
            _raise_what_went_wrong(page, said)
            ended = said.WhichOneof("type") == "script_finished"
            if ended and said.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return time.perf_counter() - began


@contextmanager
def visiting(url: str) -> Iterator[Visitor]:
    """Come to a server, such as `http://127.0.0.1:8501`, and go when the block ends."""
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    spoken = [Subprotocol("streamlit")]
    with connect(address, origin=Origin(url), subprotocols=spoken, max_size=None) as socket:
        yield Visitor(socket)


def _raise_what_went_wrong(page: str, said: ForwardMsg) -> None:
    element = said.delta.new_element
    if element.HasField("exception"):
        raise RuntimeError(f"{page or 'home'}: {element.exception.message}")
    if element.HasField("alert") and element.alert.format == element.alert.ERROR:
        raise RuntimeError(f"{page or 'home'}: {element.alert.body}")
