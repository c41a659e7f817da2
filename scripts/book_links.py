"""An mdBook preprocessor: links from docs/ to other files of the repository become links to the forge.

The pages use relative links, which work on a forge and in a checkout. The book holds docs/ alone.
"""

import json
import posixpath
import re
import sys

LINK = re.compile(r"\]\(((?:\.\./)+[^)\s]*)\)")


def rewrite(page, root):
    def link(match):
        target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page["path"]), match[1]))
        return match[0] if target.startswith("docs/") else f"]({root}/{target})"

    page["content"] = LINK.sub(link, page["content"])


def walk(items, root):
    for item in items:
        if isinstance(item, dict) and "Chapter" in item:
            if item["Chapter"]["path"]:
                rewrite(item["Chapter"], root)
            walk(item["Chapter"]["sub_items"], root)


if sys.argv[1:2] == ["supports"]:
    sys.exit(0)
context, book = json.load(sys.stdin)
repository = context["config"]["output"]["html"]["git-repository-url"]
walk(book.get("items") or book.get("sections") or [], f"{repository}/blob/main")
json.dump(book, sys.stdout)
