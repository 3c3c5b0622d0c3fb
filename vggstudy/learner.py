"""One update of the weights: forward, backward, stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vggstudy.augment import Batch
from vggstudy.distributed import Place, kernels
from vggstudy.keyed import words
from vggstudy.model import VGG, Dropout
from vggstudy.regime import TrainConfig


class Learner:
    """A network, its optimiser, and where they live.

    The same code serves a cell on a CPU and a process of many: channels-last everywhere, mixed precision and
    a fused optimiser where the device has them, and nothing in an update that waits for the device.

    Paper: section 3.1.
    """

    def __init__(self, model: VGG, config: TrainConfig, place: Place) -> None:
        self.model, self.config, self.place = model, config, place
        model.to(place.device, memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(
            decayed(model, config), config.lr, config.momentum, weight_decay=config.weight_decay, fused=True
        )
        self._input = Input(model, place.device)
        self._random = torch.Generator(place.device)
        self._dropouts = [layer for layer in model.classifier if isinstance(layer, Dropout)]
        self._scores: nn.Module = model
        self._parallel: nn.parallel.DistributedDataParallel | None = None
        if place.world_size > 1:
            devices = [place.device] if place.device.type == "cuda" else None
            self._scores = self._parallel = nn.parallel.DistributedDataParallel(model, device_ids=devices)
        if config.compile:
            self._scores = torch.compile(self._scores)

    def update(self, batch: Batch, step: int, lr: float) -> Tensor:
        """One step of descent; what dropout drops of an image depends on the seed, the step and its place in the batch
        of all processes, not on how that is divided.

        Returns:
            Mean cross-entropy of the batch before the step, nats, still on the device.
        """
        with kernels(self.config.deterministic):
            return self._update(batch, step, lr)

    def _update(self, batch: Batch, step: int, lr: float) -> Tensor:
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.zero_grad(set_to_none=True)
        batch = Batch(*(part.to(self.place.device, non_blocking=True) for part in batch))
        size = self.config.micro_batch or len(batch.labels)
        parts = list(zip(*(part.split(size) for part in batch), strict=True))
        kept = [mask.split(size) for mask in self._masks(step, len(batch.labels))]
        loss = torch.zeros((), device=self.place.device)
        for number, part in enumerate(parts):
            self._synchronise(number == len(parts) - 1)
            with self._dropping([masks[number] for masks in kept]):
                share = self._loss(Batch(*part)) / len(batch.labels)
            share.backward()
            loss += share.detach()
        if self.config.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip, foreach=True)
        self.optimiser.step()
        return self.place.mean(loss)

    def scores(self, images: Tensor, shift: Tensor | None = None) -> Tensor:
        """Class scores `(N, K)`, float32, of uint8 crops on the device."""
        with torch.autocast(self.place.device.type, torch.bfloat16, enabled=self.place.dtype == torch.bfloat16):
            return self._scores(self._input(images, shift)).float()

    def _loss(self, batch: Batch) -> Tensor:
        return cross_entropy(self.scores(batch.images, batch.colour_shift), batch.labels, reduction="sum")

    def _masks(self, step: int, images: int) -> Iterator[Tensor]:
        """What each dropout layer multiplies the outputs of this process's images with."""
        self._random.manual_seed(int(words(self.config.seed, step)[0] >> 1))
        device, world_size = self.place.device, self.place.world_size
        for layer in self._dropouts:
            drawn = torch.rand(images * world_size, self.model.fc_width, generator=self._random, device=device)
            yield (drawn[self.place.rank :: world_size] >= layer.p).to(self.place.dtype) / (1 - layer.p)

    @contextmanager
    def _dropping(self, kept: Sequence[Tensor]) -> Iterator[None]:
        """While it is entered, the dropout layers take these masks."""
        for layer, mask in zip(self._dropouts, kept, strict=True):
            layer.kept = mask
        try:
            yield
        finally:
            for layer in self._dropouts:
                layer.kept = None

    def _synchronise(self, last: bool) -> None:
        """Gradients travel between processes once an update, with the last micro-batch."""
        if self._parallel is not None:
            self._parallel.require_backward_grad_sync = last

    def release(self) -> None:
        """Let go of gradients and momentum."""
        self.optimiser.zero_grad(set_to_none=True)
        self.optimiser.state.clear()
        if self.place.device.type == "cuda":
            torch.cuda.empty_cache()

    def momentum(self) -> dict[str, Tensor]:
        """Momentum by the name of its parameter; empty before the first update."""
        states = ((name, self.optimiser.state[parameter]) for name, parameter in self.model.named_parameters())
        return {name: state["momentum_buffer"] for name, state in states if "momentum_buffer" in state}

    def set_momentum(self, momentum: Mapping[str, Tensor]) -> None:
        """Take up the momentum of each parameter by its name."""
        for name, parameter in self.model.named_parameters():
            if name in momentum:
                self.optimiser.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(momentum[name])


def decayed(model: VGG, config: TrainConfig) -> list[dict[str, Any]]:
    """The parameters in two groups, weights and biases; the second may be spared the decay."""
    layers = model.weight_layers.values()
    spared = {} if config.decay_biases else {"weight_decay": 0.0}
    return [{"params": [layer.weight for layer in layers]}, {"params": [layer.bias for layer in layers], **spared}]


class Later:
    """A number on its way from the device: asking for it does not wait for updates that were begun after
    it."""

    def __init__(self, value: Tensor) -> None:
        self._event = torch.cuda.Event() if value.is_cuda else None
        self._value = value.to("cpu", non_blocking=True)
        if self._event is not None:
            self._event.record()

    def __call__(self) -> float:
        if self._event is not None:
            self._event.synchronize()
        return float(self._value)


class Input:
    """`Preprocessing` with its constants on the device, where making them anew would stop each step."""

    def __init__(self, model: VGG, device: torch.device) -> None:
        kind = model.preprocessing
        self.scale, self.reverse = kind.scale, kind.order == "BGR"
        self.mean = torch.tensor(kind.mean, device=device).view(3, 1, 1)
        self.std = torch.tensor(kind.std, device=device).view(3, 1, 1)

    def __call__(self, images: Tensor, shift: Tensor | None = None) -> Tensor:
        """uint8 RGB `(N, 3, H, W)`, and the colours `(N, 3)` added to each -> what the network is fed."""
        pixels = images.to(torch.float32, memory_format=torch.channels_last)
        if shift is not None:
            pixels = pixels + shift[:, :, None, None]
        if self.reverse:
            pixels = pixels.flip(1)
        return (pixels * self.scale - self.mean) / self.std
