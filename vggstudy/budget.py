"""What training costs in bytes, hours and money: a model on paper, fitted to measured rates.  No torch.

An update takes as long as the slowest of three that run beside each other (the computation, the images, the network
between the computers) plus whatever of the third cannot be hidden behind the first.
"""

from __future__ import annotations

from dataclasses import dataclass

from vggstudy.analysis import count_macs, count_parameters, trace
from vggstudy.paper import HARDWARE, REGIME, TABLE_3

PASSES = 3  # forward, gradient of the maps, gradient of the weights: each the same multiply-accumulates
FLOAT32, BFLOAT16, INDEX = 4, 2, 8  # bytes; a max-pool keeps where each maximum was
IMAGENET_IMAGES = 1_281_167  # training images of ILSVRC-2012
JPEG_BYTES = 110_000  # an image of it, mean
FULLY_CONNECTED_FIRST = 0.9  # share of the gradients that is ready while most of the backward pass is still to come


def training_bytes(config: str, batch_size: int, mixed: bool = False, **net: float) -> int:
    """Most bytes of tensors that training holds at a time, on one device.

    Weights, gradients and momentum, and of each image the maps that the backward pass reads: the output of every
    layer (ReLU works in place), and of each max-pool also the place of its maxima.

    Args:
        config: Name of the configuration, or a stack.
        batch_size: Images of a forward pass, on this device.
        mixed: Mixed precision: maps in bfloat16, and a bfloat16 copy of the weights.
        net: As for `trace`.
    """
    number = BFLOAT16 if mixed else FLOAT32
    maps = 0
    for layer in trace(config, **net):
        cells = layer.activation_bytes // FLOAT32
        maps += cells * (number + (INDEX if layer.kind == "pool" else 0))
    weights = count_parameters(config, **net) * (3 * FLOAT32 + (BFLOAT16 if mixed else 0))
    return weights + batch_size * maps


@dataclass(frozen=True)
class Machine:
    """What one GPU, and its share of the computer around it, can do.

    Args:
        name: What it is called.
        flops: Rate of its matrix product, floating-point operations a second (2 a multiply-accumulate).
        share: Share of it that training reaches.
        link: Bytes a second between GPUs, each way, as all-reduce uses it.
        dollars: Price class of an hour.
        cores: Processor cores beside each GPU.
        images_a_core: Images that a core decodes and augments a second (row `loader`).
        overlap: Share of the all-reduce that can hide behind the backward pass.
        source: Where rate and share come from.
    """

    name: str
    flops: float
    share: float
    link: float
    dollars: float
    cores: int = 16
    images_a_core: float = 500.0
    overlap: float = FULLY_CONNECTED_FIRST
    source: str = ""

    @property
    def decode(self) -> float:
        """Images a second that the cores beside one GPU deliver."""
        return self.cores * self.images_a_core


# Published rates of matrix products and shares of them; links and prices by class: orders of magnitude, not offers.
MACHINES: dict[str, Machine] = {
    machine.name: machine
    for machine in (
        Machine("Titan Black", 5.1e12, 0.31, 3.3e9, 0.0, cores=4, overlap=0.0,
                source="share from the paper's two to three weeks (section 3.3)"),
        Machine("RTX 3090", 71e12, 0.71, 10e9, 0.3, source="published: timm's training table, mixed precision"),
        Machine("H100", 800e12, 0.5, 150e9, 3.0, source="aimed at, not measured here"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """A training run on paper.

    Seconds are of one update: `compute` on each GPU, `images` to decode its part, `network` for the whole all-reduce
    and `exposed` for what of it is not hidden.
    """

    config: str
    machine: str
    gpus: int
    images: int
    batch_size: int
    compute: float
    decode: float
    network: float
    exposed: float
    updates: int
    dollars_an_hour: float

    @property
    def seconds(self) -> float:
        """Of one update."""
        return max(self.compute + self.exposed, self.decode)

    @property
    def hours(self) -> float:
        return self.updates * self.seconds / 3600

    @property
    def gpu_hours(self) -> float:
        return self.gpus * self.hours

    @property
    def dollars(self) -> float:
        return self.gpu_hours * self.dollars_an_hour

    @property
    def images_per_second(self) -> float:
        return self.batch_size / self.seconds

    @property
    def speed_up(self) -> float:
        """Over one GPU whose images come in time."""
        return self.compute * self.gpus / self.seconds

    @property
    def disk_bytes_per_second(self) -> float:
        """JPEG files read, over all GPUs."""
        return self.images_per_second * JPEG_BYTES

    @property
    def bound(self) -> str:
        """What an update waits for: `"images"`, `"network"` or `"compute"`."""
        if self.decode > self.compute + self.exposed:
            return "images"
        return "network" if self.exposed > self.compute else "compute"


def budget(
    config: str,
    machine: Machine,
    gpus: int = 1,
    images: int = IMAGENET_IMAGES,
    epochs: int = REGIME.epochs,
    batch_size: int = REGIME.batch_size,
) -> Budget:
    """Hours of training a configuration at the paper's crop.

    Args:
        config: Name of the configuration.
        machine: Where.
        gpus: How many of it; the batch is divided among them.
        images: Training images.
        epochs: Passes over them.
        batch_size: Images an update, over all GPUs.

    Paper: sections 3.1 and 3.3.  Book: what it costs.
    """
    mine = batch_size / gpus
    flops = 2 * PASSES * count_macs(config) * mine
    compute = flops / (machine.flops * machine.share)
    network = all_reduce_seconds(count_parameters(config) * FLOAT32, gpus, machine.link)
    # The gradients of the fully-connected layers are ready first; two thirds of the computation are the backward pass.
    hidden = min(machine.overlap * network, compute * (PASSES - 1) / PASSES)
    return Budget(
        config=config,
        machine=machine.name,
        gpus=gpus,
        images=images,
        batch_size=batch_size,
        compute=compute,
        decode=mine / machine.decode,
        network=network,
        exposed=network - hidden,
        updates=epochs * images // batch_size,
        dollars_an_hour=machine.dollars,
    )


def all_reduce_seconds(size: float, gpus: int, link: float) -> float:
    """A ring all-reduce of `size` bytes: each GPU sends and receives `2 (n - 1) / n` of them."""
    return 2 * (gpus - 1) / gpus * size / link


def implied_link(config: str = "D", weeks: float = 2.5, gpus: int = HARDWARE.gpus) -> float:
    """Bytes a second between the paper's four GPUs that its speed-up of 3.75 and its weeks of training imply.

    Their gradients travelled after the backward pass, so all of the all-reduce is waiting (section 3.3).
    """
    updates = REGIME.epochs * IMAGENET_IMAGES / REGIME.batch_size
    update = weeks * 7 * 24 * 3600 / updates
    waiting = update * (1 - HARDWARE.speed_up / gpus)
    return all_reduce_seconds(count_parameters(config) * FLOAT32, gpus, 1.0) / waiting


def nets_of_the_paper() -> tuple[tuple[str, object], ...]:
    """Configuration and training scale of each net of Table 3, each once."""
    return tuple(dict.fromkeys((result.config, result.S) for result in TABLE_3))
