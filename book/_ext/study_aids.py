"""Sphinx extension: what the page of study aids is made of, at each build anew.

::

    {computed}`count_parameters("D")`      a number, see `computed`
    ```{chapter-summaries}                 the summary of each chapter, in the order of the book, no copy of it
    ```{study-deck}                        the deck of cards to download, and what is in it, see `deck`
    ```{cite-this}                         BibTeX of the paper and of this companion, as in CITATION.cff
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from computed import compute
from deck import deck, to_csv
from docutils import nodes
from pybtex.database import Entry, parse_file
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective, SphinxRole

PAGE = "book/study_aids"
DECK = "deck.csv"
HEADING = "Summary"  # of the section of a chapter that is shown


class ChapterSummaries(nodes.General, nodes.Element):
    """The place of the summaries, filled when all chapters have been read."""


class StudyDeck(nodes.General, nodes.Element):
    """The place of the link to the deck."""


class ComputedRole(SphinxRole):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            return [nodes.Text(compute(self.text))], []
        except ValueError as error:
            said = self.inliner.reporter.error(str(error), line=self.lineno)
            return [nodes.problematic(self.rawtext, self.rawtext)], [said]


class SummariesDirective(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        return [ChapterSummaries()]


class DeckDirective(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        return [StudyDeck()]


class CiteDirective(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
        paper = parse_file(root / "book" / "references.bib").entries["simonyan2015"]
        entries = (
            bibtex("simonyan2015", paper.type, fields_of(paper)),
            bibtex("vggstudy", "misc", companion(citation)),
        )
        return [nodes.literal_block(entry, entry, language="bibtex") for entry in entries]


# ---- BibTeX


def fields_of(entry: Entry) -> dict[str, str]:
    """Authors and fields of a reference."""
    return {"author": " and ".join(map(str, entry.persons["author"])), **entry.fields}


def companion(citation: Mapping[str, Any]) -> dict[str, str]:
    """Fields of a reference to this companion, from CITATION.cff.  Names are kept as they are written."""
    authors = (
        person.get("name") or f"{person['family-names']}, {person['given-names']}" for person in citation["authors"]
    )
    fields = {
        "author": " and ".join(f"{{{name}}}" for name in authors),
        "title": citation["title"],
        "year": str(citation.get("date-released", ""))[:4],
        "note": f"Version {citation['version']}",
        "url": citation.get("url") or citation.get("repository-code", ""),
    }
    return {name: value for name, value in fields.items() if value}


def bibtex(key: str, kind: str, fields: Mapping[str, str]) -> str:
    """An entry, a field a line."""
    lines = "".join(f",\n  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{kind}{{{key}{lines}\n}}"


# ---- filled in when all pages are read


class Filling(SphinxPostTransform):
    """Summaries and deck in their places."""

    default_priority = 5  # before references are resolved, for those in a summary are copied unresolved

    def run(self, **_: Any) -> None:
        for place in list(self.document.findall(ChapterSummaries)):
            place.replace_self([section for name in chapters(self.env) for section in self.summary(name)])
        for place in list(self.document.findall(StudyDeck)):
            place.replace_self(self.offer())

    def summary(self, docname: str) -> Iterator[nodes.section]:
        """A section with the chapter's title, linked, and a copy of what stands under its last heading."""
        found = [s for s in self.env.get_doctree(docname).findall(nodes.section) if s[0].astext() == HEADING]
        if not found:
            return
        number = ".".join(map(str, self.env.toc_secnumbers.get(docname, {}).get("", ())))
        title = f"{number}. {self.env.titles[docname].astext()}" if number else self.env.titles[docname].astext()
        uri = self.app.builder.get_relative_uri(self.env.docname, docname)
        link = nodes.reference("", title, refuri=uri, internal=True)
        copies = [child.deepcopy() for child in found[-1][1:]]
        for node in (each for copy in copies for each in copy.findall(nodes.Element)):
            node["ids"], node["names"] = [], []  # a page holds each once
            if isinstance(node, addnodes.pending_xref):
                node["refdoc"] = self.env.docname
        identifier = nodes.make_id(f"summary-{Path(docname).name}")
        yield nodes.section("", nodes.title("", "", link), *copies, ids=[identifier], names=[])

    def offer(self) -> nodes.paragraph:
        cards = deck(Path(self.env.srcdir) / "book")
        times = Counter(card.tags[0] for card in cards)
        link = addnodes.download_reference("", "", nodes.Text(DECK), filename=DECK, reftarget=DECK)
        kinds = ", ".join(f"{number} {tag}" for tag, number in times.items())
        return nodes.paragraph("", "", link, nodes.Text(f": {len(cards)} cards; by their first tag, {kinds}."))


def chapters(env: BuildEnvironment) -> Iterator[str]:
    """Pages in the order of the table of contents."""

    def below(docname: str) -> Iterator[str]:
        yield docname
        for child in env.toctree_includes.get(docname, ()):
            yield from below(child)

    return below(env.config.root_doc)


def outdated(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """The page is read anew at each build: chapters, glossary and library may have changed."""
    return [PAGE] if PAGE in env.found_docs else []


def write_deck(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html" and PAGE in app.env.found_docs:
        path = Path(app.outdir) / "_downloads" / DECK
        path.parent.mkdir(exist_ok=True)
        path.write_text(to_csv(deck(Path(app.srcdir) / "book")), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_role("computed", ComputedRole())
    app.add_directive("chapter-summaries", SummariesDirective)
    app.add_directive("study-deck", DeckDirective)
    app.add_directive("cite-this", CiteDirective)
    app.add_post_transform(Filling)
    app.connect("env-get-outdated", outdated)
    app.connect("build-finished", write_deck)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
