"""What somebody may not, said before they have begun with it."""

from __future__ import annotations

from asma_core.accounts.rights import check_making
from asma_core.errors import NotAllowedError
from ui.common.format import capitalised


def making_refused() -> str:
    """Return why who acts may not upload, attack or train; "" if they may."""
    try:
        check_making()
    except NotAllowedError as error:
        return capitalised(str(error))
    return ""
