"""The evaluation ablation: configuration, training scale, test scales and view, ours beside Tables 3, 4 and 5."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import traitlets

from vggstudy.errors import ConfigError, DataError, unknown
from vggstudy.nets import RECIPES
from vggstudy.paper import VIEWS
from vggstudy.scales import scale_name
from vggstudy.widgets.base import StudyWidget
from vggstudy.widgets.words import short

if TYPE_CHECKING:
    from vggstudy.ablation import Ablation
    from vggstudy.evaluation import Evaluation

COLUMNS = ((72,), (108,), (144,), (64, 72, 80), (96, 108, 120), (72, 108, 144))


@dataclass(frozen=True)
class Cell:
    """One protocol: top-1 and top-5 error in %, their 95% bootstrap intervals, the same as parts of the table's largest
    error (`levels`, %), the cost of an image, and the paper's row with the same protocol, if there is one."""

    errors: tuple[float, float]
    intervals: tuple[tuple[float, float], tuple[float, float]]
    levels: tuple[int, int]
    macs: str
    paper: str
    paper_errors: tuple[float, float] | None


@dataclass(frozen=True)
class Row:
    """A net, and its cells view by view and column by column; None where nothing is stored."""

    net: str
    config: str
    S: str
    cells: dict[str, tuple[Cell | None, ...]]


def ablation_table(ablation: Ablation) -> tuple[Row, ...]:
    """Every stored protocol of every net, for `COLUMNS`.

    Paper: Tables 3, 4 and 5.  Book: scales.
    """
    found = {
        (net, view, Q): ablation.evaluation(net, Q, view) for net in ablation.nets for view in VIEWS for Q in COLUMNS
    }
    largest = tuple(max((each.error(k) for each in found.values() if each), default=1) or 1 for k in (1, 5))
    return tuple(
        Row(
            net,
            RECIPES[net].config,
            scale_name(RECIPES[net].S),
            {view: tuple(_cell(net, Q, view, found[net, view, Q], largest) for Q in COLUMNS) for view in VIEWS},
        )
        for net in ablation.nets
    )


def _cell(net: str, Q: tuple[int, ...], view: str, seen: Evaluation | None, largest: tuple[float, ...]) -> Cell | None:
    if seen is None:
        return None
    from vggstudy.ablation import paper_result

    paper = paper_result(net, Q, view)
    errors = (seen.top1_error, seen.top5_error)
    intervals = (seen.interval(1), seen.interval(5))
    return Cell(
        errors=tuple(round(error, 1) for error in errors),
        intervals=tuple((round(each.low, 1), round(each.high, 1)) for each in intervals),
        levels=tuple(round(100 * error / most) for error, most in zip(errors, largest, strict=True)),
        macs=short(seen.macs / len(seen)),
        paper=f"{paper.config}, S = {scale_name(paper.S)}, Q = {_scales(paper.Q)}, section {paper.section}"
        if paper
        else "",
        paper_errors=(paper.top1_error, paper.top5_error) if paper else None,
    )


def _scales(Q: tuple[int, ...]) -> str:
    return ", ".join(map(str, Q))


class EvaluationAblation(StudyWidget):
    """Errors of every stored net by test scales, as a heat map for each view; a cell is explained beside the paper's.

    Args:
        ablation: Stored posteriors; the study's if left out.
        view: The one on show at first, such as `"dense"`.
        net: The net that is explained at first; the last one if left out.
    Raises:
        ConfigError: For an unknown view or net.
        DataError: If nothing is stored.

    `net`, `column` and `view` name the protocol, `errors` gives its errors.  Paper: Tables 3, 4 and 5.
    """

    _script = "ablation"
    _shown = ("net", "Q", "view", "errors")

    view = traitlets.Unicode().tag(sync=True)
    measure = traitlets.Int(0, min=0, max=1, help="0 for the top-1 error, 1 for the top-5 error").tag(sync=True)
    net = traitlets.Unicode().tag(sync=True)
    column = traitlets.Int().tag(sync=True)
    images = traitlets.Int().tag(sync=True)
    views = traitlets.List(traitlets.Unicode()).tag(sync=True)
    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.List(help="of `Row` records").tag(sync=True)

    def __init__(self, ablation: Ablation | None = None, view: str = "dense", net: str | None = None) -> None:
        from vggstudy.ablation import Ablation

        ablation = Ablation.load() if ablation is None else ablation
        if not ablation.nets:
            raise DataError("ablation holds no net: make it with `vggstudy study --ablation`")
        if view not in VIEWS:
            raise ConfigError(unknown("view", view, VIEWS))
        net = ablation.nets[-1] if net is None else net
        if net not in ablation.nets:
            raise ConfigError(unknown("stored net", net, ablation.nets))
        super().__init__(
            view=view,
            net=net,
            column=len(COLUMNS) - 1,
            images=len(ablation.labels),
            views=list(VIEWS),
            columns=[_scales(Q) for Q in COLUMNS],
            rows=[asdict(row) for row in ablation_table(ablation)],
        )

    @property
    def Q(self) -> tuple[int, ...]:
        return COLUMNS[self.column]

    @property
    def errors(self) -> tuple[float, float] | None:
        """Top-1 and top-5 error in % of the protocol on show; None where nothing is stored."""
        row = next(row for row in self.rows if row["net"] == self.net)
        cell = row["cells"][self.view][self.column]
        return cell and tuple(cell["errors"])
