"""Pages: what a stranger wrote ends no element of them."""

import re

import prodcat
from prodcat.insight.page import Page, in_script


def test_text_of_strangers_ends_no_element():
    page = Page("</title><script>alert(1)</script>", "<img src=x onerror=alert(1)>")
    page.section("<s>", "</p><script>alert(1)</script>")
    page.table([("<th>", "text")], [("</td><script>alert(1)</script>",)], "<c>")
    tree = prodcat.Taxonomy.from_paths([("</script><script>alert(1)</script>", "b")])
    page.tree("<t>", tree, [{"label": "<l>", "kind": "count"}], [(1,), (1,)])
    text = page.html()
    scripts = re.findall(r"<script[^>]*>", text)
    assert len(scripts) == 2 and "onerror=alert" not in re.sub(r"&lt;.*?&gt;", "", text)
    assert "</script>" not in in_script({"a": "</script>"})
