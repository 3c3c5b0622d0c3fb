"""Every widget on one page without a kernel: for a screen reader, by keyboard, in light and dark, quick to react."""

from pathlib import Path

import pytest
import torch
from stored import made_ablation

from vggstudy import vgg
from vggstudy.fields import EffectiveField
from vggstudy.initialise import initialise
from vggstudy.shapes import draw
from vggstudy.starts import measure_starts
from vggstudy.widgets import (
    ConfigurationExplorer,
    EffectiveReceptiveField,
    EvaluationAblation,
    LadderAndFusion,
    LiveCurves,
    PaddingMicroscope,
    Predict,
    PreInitialisationLab,
    ReceptiveFieldBench,
    ScaleJitterViewer,
    ScoreMapViewer,
)
from vggstudy.widgets.score_map import made_pictures

AXE = Path(__file__).parent / "assets" / "axe.min.js"
SERIOUS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}"""
FOCUS = """() => [
  [...document.querySelectorAll(".vgg")].findIndex((widget) => widget.contains(document.activeElement)),
  getComputedStyle(document.activeElement).outlineStyle,
]"""
FRAME = 1000 / 60  # milliseconds
STEPS = """() => {
  const controls = [...document.querySelectorAll(".vgg input[type=range], .vgg select, .vgg-cell[tabindex='0']")];
  return controls.map((control) => {
    let best = Infinity;
    for (let i = 0; i < 9; i++) {
      const start = performance.now();
      if (control.matches("select")) {
        control.selectedIndex = (control.selectedIndex + 1) % control.options.length;
        control.dispatchEvent(new Event("change"));
      } else if (control.matches("input")) {
        control.value = control.value === control.max ? control.min : control.valueAsNumber + 1;
        control.dispatchEvent(new Event("input"));
      } else {
        document.querySelectorAll(".vgg-cell")[i].dispatchEvent(new FocusEvent("focus"));
      }
      document.body.offsetHeight; // lays the page out
      best = Math.min(best, performance.now() - start);
    }
    return best;
  });
}"""


def made_records(n):
    """Records of a run whose rate falls half-way, validated each 50 steps."""
    return [
        {
            "step": step, "epoch": step / 50, "loss": 2.3 - step / n, "lr": 0.02 if 2 * step < n else 0.002,
            "images_per_second": 500.0, "val_loss": 2.4 - step / n if step % 50 == 0 else None,
            "val_top1_error": 90 - 50 * step / n if step % 50 == 0 else None,
        }
        for step in range(1, n + 1)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def widgets():
    net_a = initialise(vgg("A", num_classes=20, width=1 / 16, crop_size=64, fc_width=16), "he")
    starts = {"E": measure_starts("E", net_a, torch.randn(2, 3, 64, 64), torch.arange(2))}
    fields = [EffectiveField(f"pool{i}", 16 * i, 10 * i, torch.rand(16 * i, 16 * i)) for i in (1, 2, 3)]
    answered = Predict("Which has 1×1 layers?", answer="C", choices=["B", "C"], misconceptions={"B": "Only 3×3."})
    answered.committed = "B"
    return [
        Predict("How wide?", answer=212, unit="px"),
        answered,
        ReceptiveFieldBench(),
        ConfigurationExplorer(compared="C"),
        PreInitialisationLab(starts, "E"),
        ScaleJitterViewer(draw(40, seed=3)),
        EffectiveReceptiveField({"random": fields, "trained": fields}),
        ScoreMapViewer(net_a, made_pictures(), Q=64, scales=(64, 144)),
        PaddingMicroscope(("A", "D")),
        EvaluationAblation(made_ablation(n=20)),
        LadderAndFusion(made_ablation(n=20)),
        LiveCurves.replay({"A": made_records(400), "D": made_records(300)}, num_classes=10),
    ]


@pytest.mark.fault("T48")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 390])
def test_axe_finds_nothing_serious(show, widgets, theme, width):
    page = show(*widgets, theme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    for summary in page.locator("summary").all():
        summary.click()
    page.add_script_tag(path=AXE)
    assert page.evaluate(SERIOUS) == []


@pytest.mark.fault("T48")
def test_every_control_can_be_reached_and_keeps_its_keys(show, widgets):
    page = show(*widgets)
    controls = page.locator("input:visible, select:visible, button:visible")
    for control in controls.all():
        assert control.evaluate("(control) => control.labels?.length || control.textContent || control.ariaLabel")
        if control.evaluate("(control) => control.matches('input, select, .vgg-cell')"):
            assert control.get_attribute("data-lm-suppress-shortcuts") == "true"
    reached = set()
    for _ in range(140):
        page.keyboard.press("Tab")
        widget, outline = page.evaluate(FOCUS)
        reached.add(widget)
        assert widget < 0 or outline != "none"
    assert reached >= set(range(len(widgets)))


def test_a_key_is_answered_within_a_frame(show, widgets):
    """Time of one step of every slider and menu and of the explorer's focus, layout included; the best of nine."""
    times = show(*widgets).evaluate(STEPS)
    assert len(times) > 12 and max(times) < FRAME
