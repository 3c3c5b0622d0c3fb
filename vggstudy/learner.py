"""One update of the weights: forward, backward, stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vggstudy.augment import Batch
from vggstudy.distributed import Place
from vggstudy.keyed import words
from vggstudy.model import VGG, Preprocessing
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
        self._random = default_generator(place.device)
        self._scores: nn.Module = model
        self._parallel: nn.parallel.DistributedDataParallel | None = None
        if place.world_size > 1:
            devices = [place.device] if place.device.type == "cuda" else None
            self._scores = self._parallel = nn.parallel.DistributedDataParallel(model, device_ids=devices)
        if config.compile:
            self._scores = torch.compile(self._scores)

    def update(self, batch: Batch, step: int, lr: float) -> Tensor:
        """One step of descent; dropout depends on `(seed, step, rank)` alone.

        Returns:
            Mean cross-entropy of the batch before the step, nats, still on the device.
        """
        self._random.manual_seed(int(words(self.config.seed, step, self.place.rank)[0] >> 1))
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.zero_grad(set_to_none=True)
        batch = Batch(*(part.to(self.place.device, non_blocking=True) for part in batch))
        size = self.config.micro_batch or len(batch.labels)
        parts = list(zip(*(part.split(size) for part in batch), strict=True))
        loss = torch.zeros((), device=self.place.device)
        for number, part in enumerate(parts, 1):
            self._synchronise(number == len(parts))
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

    def load(self, weights: Mapping[str, Tensor], momentum: Mapping[str, Tensor], preprocessing: Preprocessing) -> None:
        """Take up weights, momentum, and what the network is fed."""
        self.model.load_state_dict(weights)
        self.model.preprocessing = preprocessing
        self._input = Input(self.model, self.place.device)
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


def default_generator(device: torch.device) -> torch.Generator:
    """The generator of the device's dropout.  `torch.manual_seed` would seed each device's, and remember each
    call for a GPU that is not in use yet."""
    if device.type == "cuda":
        index = device.index if device.index is not None else torch.cuda.current_device()
        return torch.cuda.default_generators[index]
    return torch.default_generator


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
