"""A hook of mkdocs: files outside of docs/ that its pages link to, `../study/run.py`, become pages of the site.

So links lead to the same file in the repository and in the site, and one to a file that is not there stops the build.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(\.\./([^)#]+)")
ELSEWHERE = re.compile(r"\[([^]]+)\]\((?!https?:|#|\.\./docs/)[^)]+\)")  # a link of such a page to what is none
LANGUAGES = {".py": "python", ".yaml": "yaml", ".toml": "toml", ".sh": "bash", "": "dockerfile"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every file that is linked to."""
    texts = [file.content_string for file in files.documentation_pages()]
    for path in sorted({path for text in texts for path in LINK.findall(text)}):
        files.append(File.generated(config, f"source/{path}.md", content=_page(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to these pages."""
    return markdown if page.file.src_uri.startswith("source/") else LINK.sub(r"](source/\1.md", markdown)


def _page(path: str) -> str:
    if not (ROOT / path).is_file():
        raise PluginError(f"docs: a page links to {path}, which is not there")
    text = (ROOT / path).read_text(encoding="utf-8")
    head = "---\nsearch:\n  exclude: true\nhide: [toc]\n---\n"
    if path.endswith(".md"):
        return head + ELSEWHERE.sub(r"\1", text).replace("](../docs/", "](../../")
    return f"{head}# {path}\n\n````{LANGUAGES[Path(path).suffix]}\n{text}````\n"
