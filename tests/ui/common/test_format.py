"""What pages say of a thing below its name, by hand."""

from __future__ import annotations

import pytest

from ui.common.format import described


@pytest.mark.parametrize(
    ("title", "text"),
    [("Fundus demo", "Fundus demo. Drawn."), ("demo-fundus", "Drawn."), ("", "Drawn.")],
)
def test_a_title_stands_below_the_name_unless_it_repeats_it(title: str, text: str) -> None:
    assert described("demo-fundus", title, "Drawn.") == text
