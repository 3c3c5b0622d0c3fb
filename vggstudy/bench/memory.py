"""Row `memory`: what training takes, against the formula."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.profiler import ProfilerActivity, profile

from vggstudy.augment import Batch
from vggstudy.bench.records import Comparison, Goal, Measurement, Row, Setting, Spread
from vggstudy.bench.training import regime
from vggstudy.budget import training_bytes
from vggstudy.distributed import place
from vggstudy.learner import Learner
from vggstudy.model import vgg

AGREEMENT = Goal(0.9, 0.9, 0.9)


def peak_bytes(run: Callable[[], object], device: str) -> int:
    """Most bytes of tensors at a time while `run` runs: those that it makes."""
    if device == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    return max(event["args"]["Total Allocated"] for event in events if event.get("name") == "[memory]")


def train_twice(setting: Setting, config: str, batch_size: int, net: dict[str, float]) -> None:
    """Two updates from nothing: momentum, too, is there in the second."""
    model = vgg(config, **net)
    side = model.crop_size
    images = torch.zeros(batch_size, 3, side, side, dtype=torch.uint8)
    batch = Batch(images, torch.zeros(batch_size, 3), torch.zeros(batch_size, dtype=torch.long))
    settings = regime(setting, batch_size=batch_size, compile=False)
    with place(settings) as here:
        learner = Learner(model, settings, here)
        for step in (1, 2):
            learner.update(batch, step, settings.lr)


def measure(setting: Setting) -> Sequence[Measurement]:
    on_gpu = setting.device == "cuda"
    jobs: list[tuple[str, int, dict[str, float]]] = [
        ("D", 16, {"width": 1 / 8, "fc_width": 128, "crop_size": 64}),
        ("A", 8, {"width": 1 / 4, "fc_width": 512}),
    ]
    if not setting.quick:
        jobs += [("D", 256 if on_gpu else 4, {})]
    return [_measured(setting, *job) for job in jobs]


def _measured(setting: Setting, config: str, batch_size: int, net: dict[str, float]) -> Measurement:
    width = f" of width {net['width']:g}" if net else ""
    job = f"training configuration {config}{width}, crops of {net.get('crop_size', 224)} pixels, batch {batch_size}"
    setting.say(f"  {job}")
    found = peak_bytes(lambda: train_twice(setting, config, batch_size, net), setting.device)
    formula = training_bytes(config, batch_size, mixed=setting.device == "cuda", **net)
    agreement = min(found, formula) / max(found, formula)
    return Measurement(
        job,
        (Comparison("the formula", Spread.of([agreement]), AGREEMENT.on(setting)),),
        details={"measured_bytes": found, "formula_bytes": formula},
    )


memory = Row("memory", "training takes the memory that the formula says", measure)
