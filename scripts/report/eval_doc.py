# SPDX-License-Identifier: GPL-2.0
"""A document that is written once and comes out as Markdown and as one HTML
file with all pictures in it."""

import base64
import html
import re

from samples import table

STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 64em; margin: 2em auto;
       padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse; font-size: 14px; margin: 1em 0 }
th, td { border-bottom: 1px solid #ddd; padding: .25em .7em; text-align: left;
         vertical-align: top }
td.n { white-space: nowrap; font-variant-numeric: tabular-nums }
figure { margin: 1em 0; display: inline-block; max-width: 100% }
img, object { max-width: 100% }
figcaption, .from { color: #666; font-size: 13px }
pre { background: #f6f6f6; padding: .7em; overflow-x: auto; font-size: 13px }
code { background: #f3f3f3 }
nav a { margin-right: 1em }
.wide { overflow-x: auto }
"""


def inline(text):
    """`code`, **bold** and links of Markdown to HTML."""
    text = html.escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\[([^]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>', text)


class Doc:
    """Blocks in order; each knows both of its forms."""

    def __init__(self, title, root):
        self.title, self.root = title, root
        self.markdown, self.html, self.sections = [f"# {title}"], [], []

    def _add(self, markdown, markup):
        self.markdown.append(markdown)
        self.html.append(markup)

    def section(self, text):
        """A heading that the HTML's first lines link to."""
        anchor = f"s{len(self.sections)}"
        self.sections.append((anchor, text))
        self._add(f"## {text}", f'<h2 id="{anchor}">{inline(text)}</h2>')

    def heading(self, text):
        """A smaller heading."""
        self._add(f"### {text}", f"<h3>{inline(text)}</h3>")

    def text(self, text):
        """A paragraph."""
        self._add(text, f"<p>{inline(text)}</p>")

    def items(self, items):
        """A list."""
        self._add("\n".join(f"- {i}" for i in items),
                  "<ul>" + "".join(f"<li>{inline(i)}</li>" for i in items)
                  + "</ul>")

    def source(self, text):
        """Where figures are from, and how they are repeated."""
        self._add(f"*{text}*", f'<p class="from">{inline(text)}</p>')

    @staticmethod
    def _cell(tag, text):
        kind = ' class="n"' if tag == "td" and text[:1].isdigit() else ""
        return f"<{tag}{kind}>{inline(text)}</{tag}>"

    def table(self, head, rows):
        """A table of strings."""
        markup = "".join(
            "<tr>" + "".join(self._cell(tag, c) for c in row) + "</tr>"
            for tag, row in [("th", head)] + [("td", r) for r in rows])
        self._add(table(head, rows),
                  f'<div class="wide"><table>{markup}</table></div>')

    def listing(self, text):
        """Output as it is."""
        self._add("\n".join("    " + line for line in text.splitlines()),
                  f"<pre>{html.escape(text)}</pre>")

    def picture(self, path, caption, live=False):
        """An SVG; live ones tell more when they are pointed at."""
        data = base64.b64encode(path.read_bytes()).decode()
        uri = f"data:image/svg+xml;base64,{data}"
        markup = (f'<object type="image/svg+xml" data="{uri}"></object>' if live
                  else f'<img alt="{html.escape(caption)}" src="{uri}">')
        name = path.relative_to(self.root)
        self._add(f"![{caption}]({name})",
                  f"<figure>{markup}<figcaption>{inline(caption)} "
                  f'(<a href="{name}">{name}</a>)</figcaption></figure>')

    def append(self, other):
        """All of another document but its title."""
        for anchor, text in other.sections:
            self.sections.append((f"r{anchor}", text))
        self.markdown += other.markdown[1:]
        self.html += [re.sub('<h2 id="s', '<h2 id="rs', h) for h in other.html]

    def write(self):
        """report.md and index.html"""
        (self.root / "report.md").write_text("\n\n".join(self.markdown) + "\n")
        links = "".join(f'<a href="#{a}">{inline(t)}</a>'
                        for a, t in self.sections)
        (self.root / "index.html").write_text(
            f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(self.title)}</title><style>{STYLE}</style>"
            f"<h1>{inline(self.title)}</h1><nav>{links}</nav>\n"
            + "\n".join(self.html) + "</html>\n")
