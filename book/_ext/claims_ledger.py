"""Sphinx extension: the ledger of the paper's claims, and badges that lead to it.

In the page of the ledger::

    ```{claims-counts}        how many claims of each status, and the filter
    ```{claims} 2.1 2.2       the claims of these sections of the paper
    ```{claims-tests}         the source of every test that a claim rests on

In a chapter, {claim}`weights-excess` is a badge with the status of that claim.  A claim that does not exist, or whose
evidence does not, is an error: one line, and the build fails whatever its options.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from vggstudy.claims import CLAIMS, STATUSES, Claim, Verdict, find_claim, of_parts
from vggstudy.claims.checks import faults, missing
from vggstudy.claims.evidence import Checked, Compared, Evidence, Runs, Shown, Stored, source
from vggstudy.comparisons import COMPARISONS
from vggstudy.errors import ConfigError

logger = logging.getLogger(__name__)

# Where nothing is found because nothing can be: what stands in the column.
SILENT = {"exact": "the same", "imagenet": "not run", "reported": "not checked"}
REPLICATION = "replication"  # the chapter that shows the comparisons


class Badge(nodes.Inline, nodes.Element):
    """The place of a badge; its status may change until the page is written."""


class Ledger(nodes.General, nodes.Element):
    """The place of a part of the ledger: `kind` is counts, claims or tests."""


class Memory:
    """What the pages hold, kept with the environment: by document, so that one can be forgotten."""

    def __init__(self) -> None:
        self.badges: dict[str, set[str]] = {}
        self.parts: dict[str, list[str]] = {}
        self.faulty: dict[str, list[str]] = {}
        self.statuses: dict[str, str] = {}

    def forget(self, docname: str) -> None:
        for kept in (self.badges, self.parts, self.faulty):
            kept.pop(docname, None)

    def page_of(self, part: str) -> str | None:
        return next((docname for docname, parts in self.parts.items() if part in parts), None)


def memory(env: BuildEnvironment) -> Memory:
    if not hasattr(env, "claims_memory"):
        env.claims_memory = Memory()
    return env.claims_memory


def judged(claim: Claim) -> Verdict:
    """A claim's verdict; of one that cannot be judged, which `faults` reports, what stands in its row."""
    try:
        return claim.judge()
    except Exception as error:
        return Verdict("undecided", f"not computed: {error}")


# ---- reading


class ClaimRole(SphinxRole):
    """A badge."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        held = memory(self.env)
        try:
            find_claim(self.text)
        except ConfigError as error:
            held.faulty.setdefault(self.env.docname, []).append(str(error))
            logger.error("%s", error, location=self.get_location())
            return [nodes.literal(text=self.text)], []
        held.badges.setdefault(self.env.docname, set()).add(self.text)
        return [Badge(claim=self.text)], []


class ClaimsDirective(SphinxDirective):
    """The claims of some sections of the paper."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        parts = self.arguments[0].split()
        memory(self.env).parts.setdefault(self.env.docname, []).extend(parts)
        return [Ledger(kind="claims", parts=parts)]


class CountsDirective(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        return [Ledger(kind="counts")]


class TestsDirective(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        return [Ledger(kind="tests")]


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    memory(env).forget(docname)


def merge(app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: BuildEnvironment) -> None:
    ours, theirs = memory(env), memory(other)
    for docname in docnames:
        for name in ("badges", "parts", "faulty"):
            if docname in getattr(theirs, name):
                getattr(ours, name)[docname] = getattr(theirs, name)[docname]


def outdated(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Pages that must be read again though their text is the same: results and tests may have changed."""
    held = memory(env)
    now = {claim.id: judged(claim).status for claim in CLAIMS} if held.parts or held.badges else {}
    stale = {*held.parts, *held.faulty}
    stale |= {doc for doc, names in held.badges.items() if any(now.get(n) != held.statuses.get(n) for n in names)}
    held.statuses = now
    return sorted(stale)


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Every fault of the ledger, where a page holds it."""
    held = memory(env)
    if held.badges and not held.parts:
        return complain(env, sorted(held.badges)[0], ["there are badges, and no page holds the ledger of claims"])
    if not held.parts:
        return None
    if not held.statuses:
        held.statuses = {claim.id: judged(claim).status for claim in CLAIMS}
    times = Counter(part for parts in held.parts.values() for part in parts)
    unlisted = sorted({claim.part for claim in CLAIMS} - set(times))
    twice = [part for part, number in times.items() if number > 1]
    chapters = {f"book/{each.chapter}" for claim in CLAIMS for each in claim.evidence if isinstance(each, Shown)}
    found = [
        *faults(CLAIMS, Path(app.srcdir)),
        *missing(CLAIMS),
        *(f"section {part} of the paper has claims that no page lists" for part in unlisted),
        *(f"section {part} of the paper is listed twice" for part in twice),
        *(f"{name} holds evidence and is not in the book" for name in sorted(chapters - env.found_docs)),
    ]
    return complain(env, next(iter(held.parts)), found)


def complain(env: BuildEnvironment, docname: str, lines: list[str]) -> None:
    for line in lines:
        logger.error("claims: %s", line, location=docname)
        memory(env).faulty.setdefault(docname, []).append(line)


def fail(app: Sphinx, error: Exception | None) -> None:
    """An error fails the build, with or without the option that makes warnings errors."""
    if error is None and memory(app.env).faulty:
        app.statuscode = 1


# ---- writing


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    write = Writer(app, docname)
    for node in list(doctree.findall(Badge)):
        node.replace_self(html(write.badge(find_claim(node["claim"]))))
    for node in list(doctree.findall(Ledger)):
        match node["kind"]:
            case "counts":
                node.replace_self(html(write.counts()))
            case "claims":
                node.replace_self(html(write.table(of_parts(tuple(node["parts"])))))
            case "tests":
                node.replace_self(list(write.tests(Path(app.srcdir))))


def html(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def tag(status: str) -> str:
    """A status by its word and its colour."""
    return f'<span class="claim-badge claim-{status}">{escape(STATUSES[status][0])}</span>'


def plain(text: str) -> str:
    """A text with the quotation marks that are typed, which Sphinx has made into others."""
    return text.translate(str.maketrans("‘’“”", "''\"\""))


def anchor(test: Checked) -> str:
    return f"test-{Path(test.file).stem}-{test.function}"


class Writer:
    """HTML of badges and of the ledger, with links as they go from one document."""

    def __init__(self, app: Sphinx, docname: str) -> None:
        self.app, self.env, self.docname = app, app.env, docname

    def badge(self, claim: Claim) -> str:
        status = judged(claim).status
        word = STATUSES[status][0]
        page = memory(self.env).page_of(claim.part)
        where = f"{self.uri(page)}#claim-{claim.id}" if page else "#"
        said = escape(f"{word}: {claim.text} (the paper, section {claim.section})")
        return f'<a class="claim-badge claim-{status}" href="{where}" aria-label="{said}" title="{said}">{word}</a>'

    def uri(self, docname: str) -> str:
        return "" if docname == self.docname else self.app.builder.get_relative_uri(self.docname, docname)

    def counts(self) -> str:
        times = Counter(judged(claim).status for claim in CLAIMS)
        parts = dict.fromkeys(claim.part for claim in CLAIMS)
        meanings = "".join(
            f"<div><dt>{tag(status)} <strong>{times[status]}</strong></dt><dd>{escape(meaning)}</dd></div>"
            for status, (_, meaning) in STATUSES.items()
        )
        boxes = "".join(
            f'<label><input type="checkbox" name="status" value="{status}" checked> {escape(word)} '
            f"({times[status]})</label>"
            for status, (word, _) in STATUSES.items()
        )
        choices = "".join(f'<option value="{part}">{part}</option>' for part in sorted(parts))
        return (
            f'<dl class="claims-counts">{meanings}</dl>'
            '<form class="claims-filter" hidden>'
            f"<fieldset><legend>Show claims that are</legend>{boxes}</fieldset>"
            f'<label>of section <select name="part"><option value="">any</option>{choices}</select></label> '
            '<label>with the words <input type="search" name="words" autocomplete="off"></label> '
            f'<p class="claims-shown" role="status">{len(CLAIMS)} of {len(CLAIMS)} claims</p></form>'
        )

    def table(self, claims: Iterable[Claim]) -> str:
        head = "".join(f'<th scope="col">{word}</th>' for word in ("Section", "Claim", "The paper", "Here", "Status"))
        return f'<table class="claims"><thead><tr>{head}</tr></thead>{"".join(map(self.rows, claims))}</table>'

    def rows(self, claim: Claim) -> str:
        """A body of two rows: the claim, and under it the evidence."""
        verdict = judged(claim)
        paper, found = claim.written(claim.paper), verdict.found or SILENT.get(verdict.status, "")
        listed = "".join(f"<li>{self.evidence(each)}</li>" for each in claim.evidence)
        evidence = (
            f'<tr class="claim-evidence"><td></td><td colspan="4"><ul aria-label="evidence">{listed}</ul></td></tr>'
            if listed
            else ""
        )
        return (
            f'<tbody class="claim" id="claim-{claim.id}" data-status="{verdict.status}" data-part="{claim.part}">'
            f'<tr><td class="claim-section"><a href="#claim-{claim.id}">{escape(claim.section)}</a></td>'
            f"<td>{escape(claim.text)}</td>"
            f'<td class="claim-figure" data-label="The paper">{escape(paper)}</td>'
            f'<td class="claim-figure" data-label="Here">{escape(found)}</td>'
            f"<td>{tag(verdict.status)}</td></tr>{evidence}</tbody>"
        )

    def evidence(self, each: Evidence) -> str:
        match each:
            case Checked():
                words = each.node.partition("::test_")[2].replace("_", " ").replace("[", " [")
                return f'test: <a href="#{anchor(each)}" title="{escape(each.node)}">{escape(words)}</a>'
            case Shown():
                return f'chapter: <a href="{self.heading(each)}">{escape(self.title(each))}</a>'
            case Stored():
                return f"result: <code>{escape(' / '.join([each.file, *each.keys]))}</code>"
            case Compared():
                docname = f"book/{REPLICATION}"
                name = escape(COMPARISONS[each.name].claim)
                linked = f'<a href="{self.uri(docname)}">{name}</a>' if docname in self.env.found_docs else name
                return f"comparison: {linked}"
            case Runs():
                return f'<code class="claim-command">{escape(each.line)}</code>'

    def title(self, place: Shown) -> str:
        docname = f"book/{place.chapter}"
        title = self.env.titles[docname].astext() if docname in self.env.titles else place.chapter
        return f"{title}: {place.heading}"

    def heading(self, place: Shown) -> str:
        docname = f"book/{place.chapter}"
        if docname not in self.env.found_docs:
            return "#"
        sections = self.env.get_doctree(docname).findall(nodes.section)
        ids = [s["ids"][0] for s in sections if plain(s[0].astext()) == plain(place.heading)]
        if not ids:
            complain(self.env, self.docname, [f"{docname} was built without the heading {place.heading!r}"])
        return f"{self.uri(docname)}#{ids[0] if ids else ''}"

    def tests(self, root: Path) -> Iterator[nodes.Node]:
        """The source of each test that a claim rests on, folded, once."""
        cited: dict[str, Checked] = {}
        for claim in CLAIMS:
            for each in claim.evidence:
                if isinstance(each, Checked) and not each.fault(root):
                    cited.setdefault(anchor(each), each)
        for name, test in sorted(cited.items()):
            called = escape(f"{test.file}::{test.function}")
            yield html(f'<details class="claim-test" id="{name}"><summary><code>{called}</code></summary>')
            code = source(root, test)
            yield nodes.literal_block(code, code, language="python")
            yield html("</details>")


def add_filter(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename in memory(app.env).parts:
        app.add_js_file("claims_ledger.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_role("claim", ClaimRole())
    app.add_directive("claims", ClaimsDirective)
    app.add_directive("claims-counts", CountsDirective)
    app.add_directive("claims-tests", TestsDirective)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-get-outdated", outdated)
    app.connect("env-check-consistency", check)
    app.connect("doctree-resolved", resolve)
    app.connect("html-page-context", add_filter)
    app.connect("build-finished", fail)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
