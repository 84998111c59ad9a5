"""What was imported is looked through for garbage once; what comes later, and garbage, as ever."""

from __future__ import annotations

import subprocess
import sys

from tests.browser.conftest import PROJECT

PROGRAM = """
import gc, pathlib, sys, weakref
from ui.server.apart import set_apart

class Page: ...

set_apart()
paths = (path for path in pathlib.Path("ui").rglob("*.py") if path.stem != "__init__")
names = {".".join(path.with_suffix("").parts) for path in paths}
print(*(names - set(sys.modules)))
print(len(gc.get_objects()) < gc.get_freeze_count() / 100)
page = Page()
page.itself = page
seen = weakref.ref(page)
del page
gc.collect()
print(seen() is None)
"""


def test_nothing_that_was_imported_is_looked_through_again_but_new_garbage_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    missing, apart, gone = done.stdout.split("\n")[:3]
    assert (missing, apart, gone) == ("", "True", "True"), done.stderr
