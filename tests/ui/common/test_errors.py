"""What users can mend is a sentence, bugs stay bugs, and any text is shown as it is."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from ui.common.errors import escape_markdown

# What has no meaning of its own in CommonMark, GFM or Streamlit's directives.
HARMLESS = set("\"',/;?@%^")
# An escape, or a character that Streamlit's directive without a colour puts in a span of its own.
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])|:color\[\\?([@:.])\]")


def rendered(text: str) -> str:
    """Return what a reader of CommonMark 0.31 shows, section 2.4; nothing else may be left."""
    unescaped = set(ESCAPE.sub("", text))
    assert not unescaped & (set(string.punctuation) - HARMLESS)
    return ESCAPE.sub(lambda found: found[1] or found[2], text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert('x')</script>",
        "*bold* _it_ ~~gone~~ `code` **b**",
        "[link](http://example.org) ![picture](x.png)",
        "# heading",
        "heading\n=======",
        "1. list",
        "- list",
        "+ list",
        "> quote",
        "a | b",
        "&lt;b&gt; &amp;",
        "$x^2$",
        ":material/home: :red[x] :smile:",
        "back\\slash \\*",
        "ann@example.org \\@ www.example.org WWW.x.y https://a.b",
        string.punctuation,
        "\N{GRINNING FACE} \N{BOMB}",
    ],
)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    assert rendered(escape_markdown(text)) == text


@given(st.text(alphabet=st.characters(codec="ascii", min_codepoint=33), min_size=1))
def test_any_word_is_shown_as_it_is(text: str) -> None:
    assert rendered(escape_markdown(text)) == text


def test_colons_and_dollars_which_only_streamlit_reads_are_escaped() -> None:
    assert escape_markdown(":red[x] $y$") == r"\:red\[x\] \$y\$"


@pytest.mark.parametrize(
    "text", ["ann@example.org", "www.example.org", "WWW.example.org", "https://a.example.org"]
)
def test_no_stretch_of_a_text_is_an_address_that_a_browser_makes_a_link_of(text: str) -> None:
    """As GFM finds them, in each stretch between two nodes, after all escapes are undone."""
    links = re.compile(r"(https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(\.[-\w]+)+", re.IGNORECASE)
    stretches = re.split(r":color\[|\]", escape_markdown(text))
    assert links.search(text)
    assert not any(links.search(stretch.replace("\\", "")) for stretch in stretches)


def shown(text: str) -> str:
    def page(text: str) -> None:
        from asma_core.errors import InputError
        from ui.common.errors import show_errors

        with show_errors():
            raise InputError(text)

    app = AppTest.from_function(page, kwargs={"text": text}).run()
    assert not app.exception
    value: str = app.error[0].value
    return value.replace("\\", "")


def test_a_sentence_begins_large_unless_a_name_is_first() -> None:
    assert shown("the disk is full") == "The disk is full"
    assert shown("photo.png is empty") == "photo.png is empty"
    assert shown("target_iou is 0") == "target_iou is 0"
    assert shown("<b>x</b> is unknown") == "<b>x</b> is unknown"
    assert shown("") == ""


def test_a_bug_stays_a_bug() -> None:
    def page() -> None:
        from ui.common.errors import show_errors

        with show_errors():
            raise ValueError("not for users")

    assert AppTest.from_function(page).run().exception
