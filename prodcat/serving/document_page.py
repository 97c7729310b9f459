"""The page that a server shows in a browser: its routes, made from the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from prodcat.text_encoding import for_html

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h2 { font-size: 1rem; margin: 1.5rem 0 0; font-family: ui-monospace, monospace; }
p { margin: .25rem 0; }
pre { background: #f2f2f2; padding: .75rem; overflow-x: auto; }
a { color: #0b57d0; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #161616; } pre { background: #262626; } a { color: #8ab4f8; }
}
"""
_CALLS = {
    "/invocations": ["Milk 1 l", "Rye bread 500 g"],
    "/models/{name}/invoke": ["Milk 1 l"],
}


def document_page(document: Mapping[str, Any]) -> str:
    """Make the page of an OpenAPI document, as HTML that loads nothing else.

    Args:
        document: The OpenAPI document of the server.
    """
    info = document["info"]
    routes = "\n".join(
        _route(method, path, route)
        for path, methods in document["paths"].items()
        for method, route in _routes(methods)
    )
    title = for_html(f"{info['title']} {info['version']}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n<p>{for_html(info['description'])}</p>\n"
        '<p>For programs: <a href="/openapi.json">the OpenAPI document</a>. '
        'Is it ready? <a href="/ping">/ping</a></p>\n'
        f"{routes}\n</main>\n</body>\n</html>\n"
    )


def _routes(methods: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The methods of a path with what they do."""
    for method, route in methods.items():
        if isinstance(route, Mapping) and "responses" in route:
            yield method, route


def _route(method: str, path: str, route: Mapping[str, Any]) -> str:
    """What one method of a path does, and how to call it."""
    texts = [route["summary"], route.get("description", "")]
    lines = [f"<h2>{for_html(method.upper())} {for_html(path)}</h2>"]
    lines += [f"<p>{for_html(text)}</p>" for text in texts if text]
    if path in _CALLS:
        body = json.dumps(_CALLS[path])
        call = f"curl -H 'Content-Type: application/json' -d '{body}' http://HOST:PORT{path}"
        lines.append(f"<pre>{for_html(call)}</pre>")
    return "\n".join(lines)
