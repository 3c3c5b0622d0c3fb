"""The deck of cards for spaced repetition, made from the glossary, the formula sheet, the paper and the library.

    python book/_ext/deck.py deck.csv

The build writes it too, and the page of study aids offers it.  Fields are HTML, formulas MathJax as Anki sets it.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import chain
from pathlib import Path

from computed import compute, written
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pybtex.database import parse_file
from pybtex.richtext import Text

from vggstudy.analysis import count_macs, count_parameters, receptive_field, trace
from vggstudy.configs import CONFIGS
from vggstudy.paper import (
    GENERALISATION,
    HARDWARE,
    JITTER,
    LOCALISATION,
    ONE_7X7_EXCESS,
    PROTOCOL,
    REGIME,
    SHALLOW_NET_EXCESS,
    SUMMARY,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_6,
    Result,
)

BOOK = Path(__file__).parents[1]

SINGLE_S = min(REGIME.single_scales)

# How Anki is told to read the file.
HEADER = ("#separator:Comma", "#html:true", "#tags column:3")


@dataclass(frozen=True)
class Card:
    """A question and its answer, both HTML, and tags by which Anki can choose."""

    front: str
    back: str
    tags: tuple[str, ...]


def deck(book: Path = BOOK) -> tuple[Card, ...]:
    """All cards, in the order in which they are best met.

    Args:
        book: Folder of `glossary.md`, `study_aids.md` and `references.bib`.
    """
    words, sheet = ((book / name).read_text(encoding="utf-8") for name in ("glossary.md", "study_aids.md"))
    references = book / "references.bib"
    made = (glossary_cards(words, references), network_cards(), paper_cards(), formula_cards(sheet, references),
            symbol_cards(sheet, references))  # fmt: skip
    return tuple(chain.from_iterable(made))


def to_csv(cards: Sequence[Card]) -> str:
    """The file that Anki imports."""
    text = io.StringIO()
    text.writelines(f"{line}\n" for line in HEADER)
    rows = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    rows.writerows((card.front, card.back, " ".join(card.tags)) for card in cards)
    return text.getvalue()


# ---- from the pages


def glossary_cards(text: str, references: Path) -> Iterator[Card]:
    """A card a term, both of the glossary's words."""
    for term, meaning in terms(text).items():
        yield Card(html(f"What is meant by: **{term}**?", references), html(meaning, references), ("glossary",))


def terms(text: str) -> dict[str, str]:
    """Term -> meaning, of the page's glossary, in its order."""
    found: dict[str, str] = {}
    for block in re.findall(r"```\{glossary\}\n(.*?)```", text, flags=re.S):
        term = ""
        for line in block.splitlines():
            if line and not line.startswith((" ", ":")):
                term = line.strip()
                found[term] = ""
            elif term and line.strip():
                found[term] = f"{found[term]} {line.strip()}".strip()
    return found


def formula_cards(text: str, references: Path) -> Iterator[Card]:
    """A card a heading of the formula sheet: its formula and what is said of it."""
    sheet = part(text, "Formula sheet")
    for title, body in re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", sheet, flags=re.M | re.S):
        yield Card(html(f"Formula: {title}", references), html(body, references), ("formula",))


def symbol_cards(text: str, references: Path) -> Iterator[Card]:
    """A card a row of the table of symbols."""
    for symbol, meaning, unit, _ in symbols(text):
        answer = meaning if unit == "–" else f"{meaning} (in {unit})"
        yield Card(html(f"Symbol: {symbol}", references), html(answer, references), ("symbol",))


def symbols(text: str) -> list[list[str]]:
    """The rows of the table of symbols: symbol, meaning, unit, section."""
    lines = [line for line in part(text, "Symbols").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def part(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, flags=re.M | re.S)[1]


# ---- from the library and the paper


def network_cards() -> Iterator[Card]:
    """What the library counts."""
    for name, config in CONFIGS.items():
        facts = {
            f"How many weight layers has {name}?": config.weight_layers,
            f"Parameters of {name}?": count_parameters(name),
            f"Multiply-accumulates of {name}, one crop of 224 pixels?": f"{count_macs(name) / 1e9:.2f} billion",
            f"Receptive field of {name}'s pool5?": f"{receptive_field(name)} pixels",
            f"Receptive field of {name}'s fc6?": f"{receptive_field(name, at='fc6')} pixels",
            f"How many convolutions has each block of {name}?": ", ".join(map(str, map(_convolutions, config.blocks))),
        }
        for front, back in facts.items():
            yield Card(front, written(back), ("architecture", name))
    config = CONFIGS["D"]
    dense = [layer for layer in trace("D") if layer.kind == "fc"]
    fc6 = dense[0]
    shares = {
        "What share of D's parameters is in its fully-connected layers?": sum(x.parameters for x in dense)
        / count_parameters("D"),
        "What share of D's parameters is in fc6 alone?": fc6.parameters / count_parameters("D"),
        "What share of D's multiply-accumulates is in its fully-connected layers?": sum(x.macs for x in dense)
        / count_macs("D"),
    }
    for front, share in shares.items():
        yield Card(front, f"{share:.1%}", ("architecture", "D"))
    for Q in PAPER_Q:
        side = Q // config.stride - fc6.kernel + 1
        positions = f"{side} position{'s' * (side > 1)}"
        yield Card(f"Side of D's score map of a square image, Q = {Q}?", positions, ("testing",))


PAPER_Q = (224, 256, 384, 512)


def _convolutions(block: Sequence[object]) -> int:
    return sum(str(layer).startswith("conv") for layer in block)


def paper_cards() -> Iterator[Card]:
    """What the paper reports."""
    for tag, facts in (("training", _regime()), ("results", _results()), ("claims", _claims())):
        for front, back in facts.items():
            yield Card(escape(front, quote=False), escape(back, quote=False), ("paper", tag))


def _regime() -> dict[str, str]:
    few, many = HARDWARE.weeks
    return {
        "Batch size of the paper's training?": f"{REGIME.batch_size} images (section 3.1)",
        "Momentum of the paper's training?": f"{REGIME.momentum} (section 3.1)",
        "Weight decay of the paper's training?": f"{REGIME.weight_decay:g} (section 3.1)",
        "Where does the paper use dropout, and how much?": f"After fc6 and fc7, with probability "
        f"{REGIME.dropout} (section 3.1)",
        "First learning rate of the paper's training?": f"{REGIME.learning_rate} (section 3.1)",
        "When does the paper divide the learning rate, by how much, and how often?": "By "
        f"{1 / REGIME.learning_rate_factor:.0f} when the validation error stops improving; "
        f"{REGIME.learning_rate_drops} times (section 3.1)",
        "How long did the paper's nets train?": f"{REGIME.iterations:,} iterations, {REGIME.epochs} epochs "
        "(section 3.1)",
        "How large is the paper's training crop?": f"{REGIME.crop_size}×{REGIME.crop_size} pixels (section 2.1)",
        "From which distribution did the paper draw its first weights?": "A normal one of mean 0 and variance "
        f"{REGIME.initial_variance:g}; biases 0 (section 3.1)",
        "Which layers of A were copied into the deeper nets?": f"The first {_word(REGIME.copied_convolutions)} "
        f"convolutions and the {_word(REGIME.copied_fully_connected)} fully-connected layers (section 3.1)",
        "At which fixed training scales S were nets trained?": f"{_and(REGIME.single_scales)} pixels (section 3.1)",
        "From which net and at which learning rate did training at S = 384 begin?": "From the one trained with "
        f"S = 256, at {REGIME.finetune_learning_rate} (section 3.1)",
        "From which range is S drawn in scale jittering?": f"[{JITTER[0]}; {JITTER[1]}] pixels (section 3.1)",
        "On what did the paper train, and how much faster than on one?": f"{_word(HARDWARE.gpus).capitalize()} GPUs, "
        f"{HARDWARE.speed_up} times faster (section 3.3)",
        "How long did one net take to train?": f"{_word(few).capitalize()} to {_word(many)} weeks (section 3.3)",
    }


def _results() -> dict[str, str]:
    single = single_scale()
    jittered = [row for row in TABLE_3 if row.S == JITTER]
    several = [row for row in TABLE_4 if row.S == JITTER]
    submission, best = TABLE_6[0], TABLE_6[-1]
    return {
        **{f"Errors of {name}, S = Q = 256, dense?": _errors(row) for name, row in single.items()},
        **{f"Errors of {row.config}, jittered S, Q = {row.Q[0]}, dense?": _errors(row) for row in jittered},
        **{f"Errors of {row.config}, jittered S, three Q, dense?": _errors(row) for row in several},
        **{
            f"Errors of {row.config}, jittered S, three Q, {row.view}?": _errors(row)
            for row in TABLE_5
            if row.view != "dense"
        },
        f"Top-5 test error of the submission, {len(submission.models)} nets?": f"{submission.test_top5_error}% "
        "(Table 6)",
        f"Top-5 test error of the best {_word(len(best.models))} nets, {best.view}?": f"{best.test_top5_error}% "
        "(Table 6)",
        "The paper's place in the classification task of ILSVRC-2014?": f"{SUMMARY.place}nd (section 4.5)",
        "Top-5 test error of the paper's best single net, and by how much does it beat GoogLeNet's?": ""
        f"{SUMMARY.single_net_error}%, by {SUMMARY.lead_over_googlenet} points (section 4.5)",
        "Test error of the paper's entry for localisation in ILSVRC-2014?": f"{LOCALISATION.test}%, "
        f"place {LOCALISATION.place} (appendix A)",
        "How many numbers of the net's features go into the linear classifier of appendix B?": ""
        f"{GENERALISATION.features:,}, the outputs of fc7",
    }


def _claims() -> dict[str, str]:
    by_name = single_scale()

    def gain(better: str, worse: str) -> str:
        points = by_name[worse].top1_error - by_name[better].top1_error
        return f"{points:.1f} points of top-1 error"

    return {
        "How many per cent more weights has one 7×7 layer than three 3×3 layers?": f"{ONE_7X7_EXCESS}% (section 2.3)",
        "By how much is B's shallow rival with 5×5 filters worse?": f"{SHALLOW_NET_EXCESS:g} points of top-1 error, "
        "centre crop (section 4.1)",
        "What does C gain over B, and what does it show?": f"{gain('C', 'B')}: additional non-linearity helps "
        "(section 4.1)",
        "What does D gain over C, and what does it show?": f"{gain('D', 'C')}: it matters to see the neighbours too "
        "(section 4.1)",
        "What does LRN bring?": f"Nothing: {gain('A', 'A-LRN')} worse than A (section 4.1)",
        "How many crops a scale does multi-crop evaluation use, and how many in all?": f"{PROTOCOL.crops} and "
        f"{PROTOCOL.crops_of_three_scales} (section 3.2)",
        "Why are dense and multi-crop evaluation complementary?": "Beyond a crop's edge the net sees zeros; densely, "
        "the neighbouring part of the image (section 3.2)",
        "Why did the deep nets need fewer epochs than Krizhevsky's, in the paper's view?": "Implicit regularisation "
        "by depth and small filters, and pre-initialisation of some layers (section 3.1)",
    }


def single_scale() -> dict[str, Result]:
    """Configuration -> its row of Table 3 with S = Q = 256."""
    return {row.config: row for row in TABLE_3 if row.S == SINGLE_S}


def _errors(row: Result) -> str:
    return f"{row.top1_error}% top-1, {row.top5_error}% top-5 ({row.section.split(', ')[-1]})"


def _and(values: Sequence[int]) -> str:
    return " and ".join(map(str, values))


def _word(number: int) -> str:
    return ("no", "one", "two", "three", "four", "five", "six", "seven")[number]


# ---- Markdown to what Anki shows


def html(markdown: str, references: Path) -> str:
    """HTML of a piece of a page: roles by their words, formulas between MathJax's brackets.  One paragraph is bare."""
    text = _renderer().render(without_roles(markdown, references)).strip()
    inner = re.fullmatch(r"<p>((?:(?!<p>).)*)</p>", text, flags=re.S)
    return (inner[1] if inner else text).replace("\n", " ")


@cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark").use(dollarmath_plugin)
    for kind, left, right in (("math_inline", r"\(", r"\)"), ("math_block", r"\[", r"\]")):
        renderer.add_render_rule(kind, _bracketed(left, right))
    return renderer


def _bracketed(left: str, right: str) -> Callable[..., str]:
    def render(_self: object, tokens: Sequence[Token], place: int, *_: object) -> str:
        return f"{left}{escape(tokens[place].content.strip(), quote=False)}{right}"

    return render


def without_roles(markdown: str, references: Path) -> str:
    """Markdown without the roles of MyST."""

    def word(match: re.Match[str]) -> str:
        role, text = match.groups()
        shown = re.sub(r"\s*<.*>$", "", text, flags=re.S)
        match role:
            case "computed":
                return compute(text)
            case "cite" | "cite:t" | "cite:p":
                cited = ", ".join(_cited(key.strip(), references) for key in text.split(","))
                return cited if role == "cite:t" else f"({cited})"
            case _:
                return shown

    return re.sub(r"\{([a-z:]+)\}`([^`]+)`", word, markdown)


@cache
def _cited(key: str, references: Path) -> str:
    entry = parse_file(references).entries[key]
    names = [str(Text.from_latex(" ".join(person.last_names))) for person in entry.persons["author"]]
    authors = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return f"{authors}, {entry.fields['year']}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(to_csv(deck()), encoding="utf-8")
