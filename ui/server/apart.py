"""What stays for as long as the server runs is set apart from what is looked through for garbage.

Python's collector looks at every object that there is. Of a server's 200,000 nearly all are what it
has imported: a tenth of a second, in which nothing else runs. Streamlit asks for that after each
run of a page or a part of one; `.streamlit/config.toml` turns it off, and the keeper does it.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil

import ui


def set_apart() -> None:
    """Import all that pages need, and look at none of it again when garbage is collected."""
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
