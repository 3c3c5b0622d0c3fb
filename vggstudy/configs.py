"""What the paper defines: the six configurations of Table 1, one line each, parsed to frozen layer records.

The notation is the paper's: `conv<kernel>-<channels>`, `LRN`, and `|` for the 2x2 max-pool of stride 2 that closes a
block.  Every stack written in it can be analysed and built, not only the paper's own, and LRN with other constants
(the paper gives none)::

    parse("conv5-64 | conv5-128 |", name="shallow")
    parse("conv3-64 LRN(k=1,alpha=2e-05) | conv3-128 |")

Three fully-connected layers follow each stack (FC-4096, FC-4096, FC-classes); they are not written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from vggstudy.errors import ConfigError, unknown


@dataclass(frozen=True)
class Conv:
    """A convolution of stride 1 that keeps the resolution, followed by ReLU (section 2.1)."""

    kernel: int
    channels: int

    @property
    def padding(self) -> int:
        """Pixels of zero padding at each side: 1 for 3x3, 0 for 1x1."""
        return self.kernel // 2

    def __str__(self) -> str:
        return f"conv{self.kernel}-{self.channels}"


@dataclass(frozen=True)
class LRN:
    """Local response normalisation across channels, with the constants of Krizhevsky et al. 2012, section 3.3.

    `b_i = a_i / (k + alpha * sum(a_j ** 2)) ** beta` over the `size` channels `j` around `i`.  `alpha` multiplies the
    *sum*, as that paper writes it; some libraries divide it by `size` first.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0

    def __str__(self) -> str:
        others = [
            f"{each.name}={value}" for each in fields(self) if (value := getattr(self, each.name)) != each.default
        ]
        return f"LRN({','.join(others)})" if others else "LRN"


@dataclass(frozen=True)
class Pool:
    """A 2x2 max-pool of stride 2 (section 2.1)."""

    def __str__(self) -> str:
        return "|"


Layer = Conv | LRN | Pool


@dataclass(frozen=True)
class Config:
    """A convolutional stack by name.  Three fully-connected layers always follow it."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def notation(self) -> str:
        """The stack in the paper's notation; `parse` reads it back."""
        return " ".join(map(str, self.layers))

    @property
    def convs(self) -> tuple[Conv, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, Conv))

    @property
    def weight_layers(self) -> int:
        """Convolutions plus the three fully-connected layers: 11 for A, 19 for E."""
        return len(self.convs) + 3

    @property
    def stride(self) -> int:
        """Input pixels between two neighbours of the last map: 32 with five pools."""
        return 2 ** sum(isinstance(layer, Pool) for layer in self.layers)

    @property
    def blocks(self) -> tuple[tuple[Layer, ...], ...]:
        """The layers between the max-pools, pools left out."""
        blocks: list[list[Layer]] = [[]]
        for layer in self.layers:
            if isinstance(layer, Pool):
                blocks.append([])
            else:
                blocks[-1].append(layer)
        return tuple(tuple(block) for block in blocks if block)

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """Each layer with its usual name: `conv3_2` is the second convolution of the third block, `pool3` closes it."""
        block, place = 1, 0
        for layer in self.layers:
            match layer:
                case Conv():
                    place += 1
                    yield f"conv{block}_{place}", layer
                case LRN():
                    yield f"lrn{block}_{place}", layer
                case Pool():
                    yield f"pool{block}", layer
                    block, place = block + 1, 0

    def without_last_pool(self) -> Config:
        """The same stack with the closing max-pool left off, for crops far smaller than the paper's 224 pixels."""
        if not isinstance(self.layers[-1], Pool):
            return self
        return replace(self, layers=self.layers[:-1])

    def __str__(self) -> str:
        return self.name


CONV = re.compile(r"conv(?P<kernel>\d+)-(?P<channels>\d+)", re.IGNORECASE)
NORMALISATION = re.compile(r"LRN(\((?P<constants>.*)\))?", re.IGNORECASE)
ALLOWED = "conv<odd kernel>-<channels>, LRN, |"


def _parse_token(token: str) -> Layer:
    if token == "|":
        return Pool()
    if match := NORMALISATION.fullmatch(token):
        return _parse_lrn(token, match["constants"])
    match = CONV.fullmatch(token)
    if match is None:
        raise ConfigError(f"cannot read {token!r} in the configuration; allowed tokens: {ALLOWED}")
    kernel, channels = int(match["kernel"]), int(match["channels"])
    if kernel % 2 == 0 or channels == 0:
        raise ConfigError(f"{token!r}: a kernel is odd and there is at least one channel; allowed tokens: {ALLOWED}")
    return Conv(kernel, channels)


def _parse_lrn(token: str, constants: str | None) -> LRN:
    try:
        given = dict(each.split("=") for each in constants.split(",")) if constants else {}
        lrn = LRN(**{name: int(value) if name == "size" else float(value) for name, value in given.items()})
        if lrn.size < 1:
            raise ValueError
        return lrn
    except (ValueError, TypeError):
        allowed = ",".join(f"{each.name}={each.default}" for each in fields(LRN))
        raise ConfigError(f"cannot read {token!r} in the configuration; allowed are LRN and LRN({allowed})") from None


def parse(notation: str, name: str = "custom") -> Config:
    """Read a stack in the paper's notation.

    Args:
        notation: Tokens `conv<kernel>-<channels>`, `LRN` (or `LRN(k=1)`, without spaces) and `|` (max-pool), separated
            by spaces.
        name: What to call it.
    Raises:
        ConfigError: Naming the first token that is not understood, and what is allowed.

    Paper: section 2.2, Table 1.
    """
    layers = tuple(_parse_token(token) for token in notation.replace("|", " | ").split())
    if not any(isinstance(layer, Conv) for layer in layers):
        raise ConfigError(f"the configuration {notation!r} holds no convolution; allowed tokens: {ALLOWED}")
    if isinstance(layers[0], LRN):
        raise ConfigError(f"the configuration {notation!r} begins with LRN; it follows a convolution")
    return Config(name, layers)


# Table 1, a line a column of the paper.
TABLE_1 = {
    "A":     "conv3-64 | conv3-128 | conv3-256 conv3-256 | conv3-512 conv3-512 | conv3-512 conv3-512 |",
    "A-LRN": "conv3-64 LRN | conv3-128 | conv3-256 conv3-256 | conv3-512 conv3-512 | conv3-512 conv3-512 |",
    "B":     "conv3-64 conv3-64 | conv3-128 conv3-128 | conv3-256 conv3-256 | conv3-512 conv3-512 | conv3-512 conv3-512 |",
    "C":     "conv3-64 conv3-64 | conv3-128 conv3-128 | conv3-256 conv3-256 conv1-256 | conv3-512 conv3-512 conv1-512 | conv3-512 conv3-512 conv1-512 |",
    "D":     "conv3-64 conv3-64 | conv3-128 conv3-128 | conv3-256 conv3-256 conv3-256 | conv3-512 conv3-512 conv3-512 | conv3-512 conv3-512 conv3-512 |",
    "E":     "conv3-64 conv3-64 | conv3-128 conv3-128 | conv3-256 conv3-256 conv3-256 conv3-256 | conv3-512 conv3-512 conv3-512 conv3-512 | conv3-512 conv3-512 conv3-512 conv3-512 |",
}  # fmt: skip

CONFIGS: dict[str, Config] = {name: parse(notation, name) for name, notation in TABLE_1.items()}

# The other names in use, after the number of weight layers.
ALIASES = {"VGG11": "A", "VGG13": "B", "VGG16": "D", "VGG19": "E", "VGGA": "A", "VGGALRN": "A-LRN", "ALRN": "A-LRN",
           "VGGB": "B", "VGGC": "C", "VGGD": "D", "VGGE": "E"}  # fmt: skip


def find_config(name: str | Config) -> Config:
    """The configuration of that name, or the stack that the text spells.

    Args:
        name: A letter of the paper (`"D"`), another usual name (`"vgg16"`, `"VGG-16"`), a stack in the paper's notation
            (`"conv3-64 | conv3-128 |"`), or a `Config`, which is returned as it is.
    Raises:
        ConfigError: With the close matches, if the name is not known.
    """
    if isinstance(name, Config):
        return name
    key = str(name).strip().upper()
    if key in CONFIGS:
        return CONFIGS[key]
    alias = re.sub(r"[\s_-]", "", key)
    if alias in ALIASES:
        return CONFIGS[ALIASES[alias]]
    if "|" in key or re.search(r"CONV\d", key):
        return parse(str(name))
    raise ConfigError(unknown("configuration", name, [*CONFIGS, "VGG11", "VGG13", "VGG16", "VGG19"]))
