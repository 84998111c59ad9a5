"""The button that stops what goes on in the background, or goes on with what was stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.common.rerun import whole


def stop_or_go_on(
    place: Any,
    key: str,
    *,
    active: bool,
    stopping: bool,
    complete: bool,
    failed: bool,
    stop: Callable[[], object],
    go_on: Callable[[], object],
) -> None:
    """Show the button that there is to be; nothing where all is done.

    Args:
        place: A container; the button has a place of its own in it, so that nothing moves under the
            hand when it comes or goes.
        key: Begins the buttons' keys.
        active: Whether it goes on.
        stopping: Whether it goes on and was asked to stop.
        complete: Whether all has ended.
        failed: Whether some of it could not be made.
        stop: Asks it to stop.
        go_on: Goes on with it.
    """
    with place.empty():
        if active:
            st.button(
                "Stopping" if stopping else "Stop",
                key=f"{key}-stop",
                icon=":material/stop:",
                disabled=stopping,
                on_click=whole(_called),
                args=(stop,),
                help="What is done stays done; go on with it when you like.",
            )
        elif not complete or failed:
            st.button(
                "Try the failed ones again" if complete else "Go on",
                key=f"{key}-resume",
                type="primary",
                icon=":material/play_arrow:",
                on_click=whole(_called),
                args=(go_on,),
            )


def _called(act: Callable[[], object]) -> None:
    act()
