"""Figure of the chapter on bugs: what each does to the error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from vggstudy.plots.style import BLUE, MUTED, RED, WIDTH, theme


@theme()
def plot_symptoms(symptoms: Sequence[Mapping[str, Any]]) -> Figure:
    """Error of the right net and of the broken one, a row a bug, with the share of answers that changed.

    Args:
        symptoms: Records with `name`, `right` and `broken` (top-1 errors in %) and `changed` (share of images in %).

    Book: spot the bug.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.36 * len(symptoms)))
    for place, symptom in enumerate(symptoms):
        right, broken = symptom["right"], symptom["broken"]
        ax.plot([right, broken], [place, place], color=MUTED, linewidth=2, zorder=1)
        ax.plot(right, place, "o", color=BLUE, markersize=9, label="" if place else "right")
        ax.plot(broken, place, "o", color=RED, markersize=6, label="" if place else "broken")
        note = f"{symptom['changed']:.0f}% of the answers differ"
        wide = abs(broken - right) > 50  # the words find room on the line, or else beside it
        where = ((right + broken) / 2, place) if wide else (max(right, broken), place)
        ax.annotate(note, where, (0, 4) if wide else (10, 0), fontsize=7, textcoords="offset points", color=MUTED,
                    ha="center" if wide else "left", va="bottom" if wide else "center")  # fmt: skip
    ax.set(title="Top-1 error (%)", xlim=(0, 100), yticks=range(len(symptoms)))
    ax.set_yticklabels([symptom["name"] for symptom in symptoms])
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.legend(loc="lower right")
    plt.close(fig)
    return fig
