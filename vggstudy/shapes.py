"""Made images in which scale matters: 20 classes = 5 outlines x 4 textures, drawn from a seed.

The outline is seen by a large receptive field, the texture by a fine one; neither colour nor area tells the
class. Sizes, places and slight turns of the object vary, so that S, Q, crops and dense evaluation mean
something, and the geometry is known, so that an image can be asked where its object is.

Everything is float32 and made of `+ - * / sqrt floor abs min max` only, which IEEE 754 defines to the last
bit: the images are the same bytes on every machine, and `DIGEST` pins them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from .keyed import words

DIGEST = "d883ecc648406928d886684b3ca9e650827f5fbe0e2fad14f4f7e0f5cc3af7e1"
"""`digest(draw(80))`. It also names the cache, so that a changed generator draws anew."""

SIZES = ((64, 64), (64, 80), (80, 64), (72, 90))
"""Height and width of the images, pixels; each run of 20 images, one of each class, shares one size."""

Field = NDArray[np.float32]


def _triangle(u: Field, v: Field) -> Field:
    return np.maximum(v, 0.8660254 * np.abs(u) - 0.5 * v)


def _square(u: Field, v: Field) -> Field:
    return np.maximum(np.abs(u), np.abs(v))


def _star(u: Field, v: Field) -> Field:
    """A point of a pentagram lies beyond one of its five lines at most: the second largest counts."""
    largest, second = -v, np.full_like(v, -np.inf)
    for side in (u, -u):
        for line in (0.9510565 * side - 0.3090170 * v, 0.5877853 * side + 0.8090170 * v):
            second = np.maximum(second, np.minimum(largest, line))
            largest = np.maximum(largest, line)
    return second


def _cross(u: Field, v: Field) -> Field:
    u, v = np.abs(u), np.abs(v)
    return np.maximum(np.minimum(u, v), np.maximum(u, v) - 0.531)


def _disc(u: Field, v: Field) -> Field:
    return np.sqrt(u * u + v * v)


OUTLINES: dict[str, tuple[float, Callable[[Field, Field], Field]]] = {
    "triangle": (0.560, _triangle),
    "square": (0.638, _square),
    "star": (0.372, _star),
    "cross": (0.299, _cross),
    "disc": (0.720, _disc),
}
"""Name -> (level, function): inside, the function is under the level. All five have the same area."""


def _wave(x: Field) -> Field:
    """Triangle wave of period 1 between -1 and 1."""
    return np.abs(x - np.floor(x) - 0.5) * 4 - 1


def _dots(u: Field, v: Field) -> Field:
    u, v = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
    return (0.115 - (u * u + v * v)) * 16


TEXTURES: dict[str, Callable[[Field, Field, Field], Field]] = {
    "stripes": lambda u, v, phase: _wave(u + phase),
    "checker": lambda u, v, phase: _wave(u + phase) * _wave(v + phase) * 2.2,
    "dots": lambda u, v, phase: _dots(u + phase, v + phase),
    "rings": lambda u, v, phase: _wave(np.sqrt(u * u + v * v) + phase),
}
"""Name -> function of coordinates in periods and of a phase; about -1 (dark) to 1 (bright)."""

CLASSES = tuple(f"{texture} {outline}" for outline in OUTLINES for texture in TEXTURES)


@dataclass(frozen=True)
class Shapes:
    """Drawn images, in order.

    Args:
        images: uint8 RGB, each `(3, H, W)`.
        labels: Class of each, `(n,)`.
        boxes: Left, top, right and bottom of each object, the last two exclusive; `(n, 4)`, pixels.
        masks: True on the object, each `(H, W)`.
    """

    images: tuple[NDArray[np.uint8], ...]
    labels: NDArray[np.int64]
    boxes: NDArray[np.int64]
    masks: tuple[NDArray[np.bool_], ...]


def labels_of(n: int, start: int = 0) -> NDArray[np.int64]:
    """Classes of the images `start` to `start + n`: they take turns, any 20 in a row hold each once."""
    return np.arange(start, start + n) % len(CLASSES)


def size_of(index: int) -> tuple[int, int]:
    """Height and width of image `index`, pixels."""
    return SIZES[index // len(CLASSES) % len(SIZES)]


def object_sizes(drawn: Shapes, S: int) -> NDArray[np.float64]:
    """Longer side of each object once its image is rescaled to `S`, pixels, `(n,)`."""
    sides = (drawn.boxes[:, 2:] - drawn.boxes[:, :2]).max(1)
    return sides * S / np.array([min(mask.shape) for mask in drawn.masks])


def digest(drawn: Shapes) -> str:
    """SHA-256 of drawn images and of all that is known of them."""
    parts = (*drawn.images, *drawn.masks, drawn.labels, drawn.boxes)
    return sha256(b"".join(part.astype(part.dtype.newbyteorder("<")).tobytes() for part in parts)).hexdigest()


def draw(n: int, seed: int = 0, start: int = 0) -> Shapes:
    """Draw the images `start` to `start + n` of the endless row that belongs to `seed`.

    Image `i` depends on `(seed, i)` alone: a longer draw begins with the shorter one. About a thousand images
    a second and core; all cores are used.

    Book: the data.
    """
    rows = np.arange(start, start + n)
    runs = [rows[rows // len(CLASSES) == run] for run in np.unique(rows // len(CLASSES))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = list(pool.map(lambda run: _render(seed, run), runs))
    masks = tuple(mask for _, run in drawn for mask in run)
    boxes = np.array([_box(mask) for mask in masks], np.int64).reshape(n, 4)
    return Shapes(tuple(image for run, _ in drawn for image in run), labels_of(n, start), boxes, masks)


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def _render(seed: int, index: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Images `(n, 3, H, W)` and masks `(n, H, W)` of a run of images that share one size."""
    label = index % len(CLASSES)
    height, width = size_of(index[0])
    smaller = min(height, width)
    dice = _Dice(seed, index)
    y, x = (axis.astype(np.float32) + 0.5 for axis in np.mgrid[:height, :width])

    image = _background(dice, x, y, smaller)

    size = dice()
    radius = smaller * (0.30 + 0.20 * size * size)
    distractor = radius * dice(0.22, 0.47)
    u, v = _turned(x - width * dice(), y - height * dice(), dice(-1, 1))
    u, v = u / distractor, v / (distractor * dice(0.6, 1.2))
    inside = _soft((1 - np.sqrt(u * u + v * v)) * distractor)
    texture = _textured(np.floor(dice(0, 4)), 1.1 * u, 1.1 * v, dice())
    _paint(image, inside, dice.colour(20, 200), dice.colour(20, 200), texture)

    centre_x = 0.8 * radius + (width - 1.6 * radius) * dice()
    centre_y = 0.8 * radius + (height - 1.6 * radius) * dice()
    u, v = _turned((x - centre_x) / radius, (y - centre_y) / radius, dice(-0.15, 0.15))
    level, depth = _outlined(label // len(TEXTURES), u, v)
    inside = _soft(depth * radius)
    periods = dice(1.3, 1.8)
    along, across = _turned(u, v, dice(-1, 1))
    texture = _textured(label[:, None, None] % len(TEXTURES), along * periods, across * periods, dice())
    bright = dice.colour(170, 255)
    dark = bright * dice(0.05, 0.25)[:, None]
    _paint(image, inside, dark, bright, texture)
    rim = inside * _soft((0.17 * level - depth) * radius)
    _paint(image, rim, bright, bright, texture)

    image += dice.noise(image.shape, 14)
    return np.clip(image, 0, 255).astype(np.uint8), inside > 0.5


class _Dice:
    """Float32 numbers of a run of images: each throw is a new number for each image, `(n, 1, 1)`."""

    def __init__(self, seed: int, index: NDArray[np.int64]) -> None:
        self._seed, self._index, self._throws = seed, index, 0

    def __call__(self, low: float = 0, high: float = 1) -> Field:
        self._throws += 1
        bits = words(self._seed, self._index, self._throws) >> np.uint64(40)
        return (bits.astype(np.float32) * np.float32(2.0**-24) * (high - low) + low)[:, None, None]

    def colour(self, low: float, high: float) -> Field:
        """RGB, `(n, 3, 1, 1)`."""
        return np.stack([self(low, high) for _ in range(3)], 1)

    def noise(self, shape: tuple[int, ...], largest: float) -> Field:
        """Even noise between `-largest` and `largest`, a number for each byte of the words thrown."""
        self._throws += 1
        count = int(np.prod(shape[1:]))
        bits = words(self._seed, self._index[:, None], self._throws, np.arange(-(-count // 8)))
        octets = bits.astype("<u8").view(np.uint8)[:, :count].reshape(shape)
        return (octets.astype(np.float32) - 127.5) * np.float32(largest / 127.5)


def _background(dice: _Dice, x: Field, y: Field, smaller: int) -> Field:
    """A slow change from one dark colour to another, under a faint plaid; `(n, 3, H, W)`."""
    blend = 0.5 + 0.5 * _wave((x * dice(-1, 1) + y * dice(-1, 1)) * np.float32(1.2 / smaller) + dice())
    plaid = 6 * _wave((x * dice(-1, 1) + y * dice(-1, 1)) * np.float32(6 / smaller) + dice())
    one, other = dice.colour(20, 90), dice.colour(20, 90)
    return other + (one - other) * blend[:, None] + plaid[:, None]


def _turned(x: Field, y: Field, tangent: Field) -> tuple[Field, Field]:
    """Coordinates turned by twice the angle of this tangent: a rotation without sine and cosine."""
    square = tangent * tangent
    cosine, sine = (1 - square) / (1 + square), 2 * tangent / (1 + square)
    return x * cosine + y * sine, y * cosine - x * sine


def _soft(distance: Field) -> Field:
    """1 inside, 0 outside, and a slope about a pixel wide where `distance`, in pixels, changes sign."""
    return np.clip(distance * 0.9 + 0.5, 0, 1)


def _outlined(outline: NDArray[np.int64], u: Field, v: Field) -> tuple[Field, Field]:
    """Level of each image's outline `(n, 1, 1)`, and how deep inside it each point lies `(n, H, W)`."""
    level, depth = np.empty((len(outline), 1, 1), np.float32), np.empty_like(u)
    for kind, (inner, function) in enumerate(OUTLINES.values()):
        mine = outline == kind
        level[mine], depth[mine] = inner, inner - function(u[mine], v[mine])
    return level, depth


def _textured(kind: NDArray, u: Field, v: Field, phase: Field) -> Field:
    """Texture of each image between 0 (dark) and 1 (bright), `(n, H, W)`."""
    texture = np.empty_like(u)
    for k, function in enumerate(TEXTURES.values()):
        mine = kind[:, 0, 0] == k
        texture[mine] = function(u[mine], v[mine], phase[mine])
    return np.clip(texture * 2.5, -1, 1) * 0.5 + 0.5


def _paint(image: Field, inside: Field, dark: Field, bright: Field, texture: Field) -> None:
    """Lay a texture of two colours over the image where `inside` is 1."""
    image += (dark + (bright - dark) * texture[:, None] - image) * inside[:, None]
