"""Templates and style sheets stay readable: short lines, no dead partial, no dead class."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static").glob("*.css"))
TAG = r"\{%.*?%\}|\{\{.*?\}\}"
CLASS_ATTRIBUTE = re.compile(rf'class="((?:{TAG}|[^"])*)"', re.DOTALL)


def test_lines_of_templates_have_at_most_120_characters() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 120
    ]

    assert long == []


def test_no_placeholder_has_a_line_break() -> None:
    """A browser shows the indentation after it as a gap. Those of a `textarea` may have several lines, as `&#10;`."""
    placeholders = re.compile(r'placeholder="([^"]*)"')
    broken = [path.name for path in TEMPLATES if any("\n" in text for text in placeholders.findall(path.read_text()))]

    assert broken == []


def test_a_partial_says_what_it_expects() -> None:
    """A partial is a template that others include; its first line says what it shows."""
    partials = [path for path in TEMPLATES if path.name.startswith("_") and "{% extends" not in path.read_text()]

    assert [str(path) for path in partials if not path.read_text().startswith("{# ")] == []
    assert [str(path) for path in partials if "Expects" not in "".join(path.read_text().splitlines()[:2])] == []


def test_every_partial_is_used() -> None:
    code = "".join(path.read_text() for path in [*TEMPLATES, *(ROOT / "relay").rglob("*.py")])
    names = [str(path.relative_to(ROOT / "templates")) for path in TEMPLATES if path.name.startswith("_")]

    assert [name for name in names if f'"{name}"' not in code] == []


def test_no_class_of_a_style_sheet_is_dead() -> None:
    used = _classes_of_templates() | _words_of_code() | {"htmx-request"}
    composed = tuple(word for word in used if word.endswith("-"))

    assert sorted(name for name in _styled() if name not in used and not name.startswith(composed)) == []


def _styled() -> set[str]:
    """The classes in the selectors of all style sheets."""
    text = "".join(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL) for path in STYLES)
    return set(re.findall(r"\.([a-z][\w-]*)", re.sub(r'\{[^{}]*\}|"[^"]*"', "{}", text)))


def _classes_of_templates() -> set[str]:
    """What stands in `class`, in the blocks that fill a `class`, and in arguments of tags such as `icon`."""
    html = "".join(path.read_text() for path in TEMPLATES)
    attributes = [re.sub(TAG, " ", found) for found in CLASS_ATTRIBUTE.findall(html)]
    blocks = re.findall(r"\{% block (?:width|size|tone) %\}([\w ]*)\{%", html)
    arguments = re.findall(r'\{% (?:icon|state|field) [^%]*"([\w-]+)" %\}', html)
    return {word for text in [*attributes, *blocks, *arguments] for word in text.split()}


def _words_of_code() -> set[str]:
    """What scripts and Python could set as a class."""
    python = "".join(path.read_text() for path in (ROOT / "relay").rglob("*.py"))
    scripts = "".join(path.read_text() for path in (ROOT / "static").glob("*.js"))
    quoted = re.findall(r"\"([a-z][a-z -]*)\"", python + scripts) + re.findall(r'class="([\w -]*)', python)
    return {word for text in quoted for word in text.split()} | set(re.findall(r"\.([a-z][\w-]*)", scripts))


def test_utilities_are_apart_from_components() -> None:
    layers = {path.name: set(re.findall(r"^@layer (\w+) \{", path.read_text(), re.MULTILINE)) for path in STYLES}

    assert layers.pop("base.css") == {"base"}
    assert layers.pop("utilities.css") == {"utilities"}
    assert layers.pop("tokens.css") == set()
    assert {name for name, used in layers.items() if used != {"components"}} == set()
