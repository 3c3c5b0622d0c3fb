"""Rows `forward` and `forward_tuned`: one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vggstudy.analysis import count_macs
from vggstudy.bench.harness import Contest, Prepare, Rival, contests, precision, relative_difference
from vggstudy.bench.records import Goal, Row, Setting
from vggstudy.bench.rivals import RIVALS
from vggstudy.model import VGG, vgg

EAGER = {"torchvision": Goal(1.15, 1.3, 0.9), "timm": Goal(1.3, None, 0.9)}
TUNED = {"torchvision": Goal(0.97, 0.97, 0.8), "timm": Goal(0.97, 0.97, 0.8)}


def network(setting: Setting, **arguments: object) -> VGG:
    """VGG-16 for a contest: the paper's, or an eighth as wide in a quick run."""
    torch.manual_seed(0)
    width = {"width": 1 / 8} if setting.quick else {}
    return vgg("D", **{**width, **arguments}).eval().to(setting.device)


def title(model: VGG) -> str:
    """`VGG-16`, with its width if that is not the paper's."""
    return "VGG-16" if model.width == 1 else f"VGG-16 of width {model.width:g}"


def tuned(net: nn.Module, setting: Setting) -> Callable[[Tensor], Tensor]:
    """A network as its library can be made to run: channels last; compiled, with CUDA graphs, on a GPU.

    On a CPU compilation takes half a minute and gains nothing at batch 4 and above.
    """
    net.to(memory_format=torch.channels_last)
    if setting.device == "cuda":
        net = torch.compile(net.to(precision(setting)), mode="max-autotune")
    return lambda images: net(images.to(dtype=precision(setting), memory_format=torch.channels_last))


def eager(net: nn.Module, setting: Setting) -> Callable[[Tensor], Tensor]:
    """A network as the torchvision references evaluate: as it was built, with automatic mixed precision on a GPU."""

    def scores(images: Tensor) -> Tensor:
        with torch.autocast(setting.device, precision(setting), enabled=setting.device == "cuda"):
            return net(images)

    return scores


def pass_contest(
    rival_form: Callable[[nn.Module, Setting], Callable[[Tensor], Tensor]],
    goals: dict[str, Goal],
    matmul_goal: Goal,
    how: str,
) -> Prepare:
    """Our network, tuned, against others in the given form."""

    @contextmanager
    def prepare(setting: Setting) -> Iterator[Contest]:
        model = network(setting)
        batch = 256 if setting.device == "cuda" else 4
        images = 50 * torch.randn(batch, 3, 224, 224, device=setting.device)
        nets, skipped = {}, {}
        for name, build in RIVALS.items():
            try:
                nets[name] = rival_form(build(model).eval(), setting)
            except ImportError as missing:
                skipped[name] = f"not installed ({missing})"
        ours = tuned(model, setting)
        with torch.inference_mode():
            yield Contest(
                f"{title(model)} forward, batch {batch}, {how}",
                lambda: ours(images),
                {name: Rival(lambda net=net: net(images), goals[name]) for name, net in nets.items()},
                lambda: max(
                    (relative_difference(ours(images).float(), net(images).float()) for net in nets.values()),
                    default=0.0,
                ),
                tolerance=5e-2 if setting.device == "cuda" else 1e-4,
                macs=batch * count_macs("D", width=model.width, fc_width=model.fc_width),
                matmul_goal=matmul_goal,
                skipped=skipped,
            )

    return prepare


forward = Row(
    "forward",
    "our forward pass against others as their users run them",
    contests(pass_contest(eager, EAGER, Goal(0.75, 0.6), "others eager")),
)
forward_tuned = Row(
    "forward_tuned",
    "our forward pass against others tuned as ours is: an honest draw",
    contests(pass_contest(tuned, TUNED, Goal(None), "others tuned as we are")),
)
