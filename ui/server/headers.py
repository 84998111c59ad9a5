"""What the server tells browsers not to do with its pages."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import streamlit

_PAGE: Final = Path(streamlit.__file__).parent / "static" / "index.html"
_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.S)


@lru_cache(maxsize=1)
def security_headers() -> dict[str, str]:
    """Return the headers of every answer."""
    return {
        "Content-Security-Policy": _policy(),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        # An address of ours names runs and images.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _policy() -> str:
    """Return from where a page may load what; measured in `tests/browser`.

    Streamlit makes components' scripts out of text (`blob:`) and writes styles as it goes.
    """
    parts = {
        "default-src": "'none'",
        "script-src": f"'self' blob: {_inline_scripts()}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def _inline_scripts() -> str:
    """Return the hashes of the scripts that stand in Streamlit's page itself."""
    scripts = _INLINE.findall(_PAGE.read_text(encoding="utf-8"))
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
