"""What the documentation site does beyond the settings of mkdocs.

Documents outside ``docs/`` become pages of the site, links between documents lead to pages, and
references such as ``:func:`prodcat.fit``` in docstrings become links.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc):<code>(~?)([\w.]+)(?:\(\))?</code>")
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "examples/aws/README.md": "examples/aws.md",
}


def site_path(path: str) -> str | None:
    """The place in the site of a file of the repository, or None where it has none."""
    if path in PAGES:
        return PAGES[path]
    if match := re.fullmatch(r"benchmarks/(\w+)/README\.md", path):
        return f"benchmarks/{match[1]}.md"
    if path.startswith("benchmarks/") and path.endswith(".png"):
        return path
    return path.removeprefix("docs/") if path.startswith("docs/") else None


def on_files(files: Files, config: Any) -> Files:
    """Add the documents outside ``docs/``."""
    outside = [ROOT / path for path in PAGES]
    for pattern in ("*/README.md", "*/*.png"):
        outside += sorted((ROOT / "benchmarks").glob(pattern))
    for path in outside:
        place = site_path(path.relative_to(ROOT).as_posix())
        if place is not None and path.is_file():
            files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Let the links of a document lead to pages; what has no page is named without a link."""
    source = Path(page.file.abs_src_path or "").relative_to(ROOT).as_posix()
    here = posixpath.dirname(page.file.src_uri)

    def rewritten(match: re.Match[str]) -> str:
        mark, text, target, anchor = match.groups()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if not (ROOT / path).exists():
            return match[0]
        if (ROOT / path).is_dir() and (ROOT / path / "README.md").is_file():
            path = posixpath.join(path, "README.md")
        place = site_path(path)
        if place is None:
            return text
        return f"{mark}[{text}]({posixpath.relpath(place, here or '.')}{anchor or ''})"

    return LINK.sub(rewritten, markdown)


def on_page_content(html: str, page: Page, config: Any, files: Files) -> str:
    """Turn the roles of docstrings into links where the site documents the name."""

    def linked(match: re.Match[str]) -> str:
        short, name = match.groups()
        identifier = name if name.startswith("prodcat") else f"prodcat.{name}"
        shown = name.rpartition(".")[2] if short else name
        return f'<autoref identifier="{identifier}" optional><code>{shown}</code></autoref>'

    return ROLE.sub(linked, html)
