"""The server's process stays light: what the pages use never imports torch."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

PROGRAM = """
import importlib, pathlib, sys
for path in sorted(pathlib.Path("ui").rglob("*.py")):
    importlib.import_module(".".join(path.with_suffix("").parts))
print(*(name for name in ("torch", "monai") if name in sys.modules))
"""


def test_no_piece_of_a_page_imports_torch_or_monai() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
