"""Pictures of a page stay until the slowest browser has fetched them.

When a page runs again, Streamlit forgets which pictures it showed until it shows them anew, and
whoever's run ends in between deletes them. A browser that comes for one then finds none, and never
asks again, as the address of a picture is its content.
"""

from __future__ import annotations

import time
from typing import Any, Final

from streamlit.runtime.media_file_manager import MediaFileManager

# Seconds for which no page has shown a picture before it is deleted.
KEPT: Final = 60.0


def keep_for_late_browsers(manager: MediaFileManager) -> None:
    """Have Streamlit delete pictures only when no page has shown them for a while."""
    # It has no public way to ask for that (docs/decisions.md).
    asked: Any = manager
    orphans, since = asked._get_inactive_file_ids, dict[str, float]()

    def ripe() -> set[str]:
        now, found = time.monotonic(), orphans()
        for shown in since.keys() - found:
            del since[shown]
        return {one for one in found if now - since.setdefault(one, now) >= KEPT}

    asked._get_inactive_file_ids = ripe
