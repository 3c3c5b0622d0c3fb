"""Files of the size and weight of ImageNet's, made up: 500x375 pixels, about 110 kB of JPEG each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 375, 500
QUALITY = 89


def write_photographs(folder: Path, classes: int, per_class: int, seed: int = 0) -> Path:
    """`folder/class/number.jpg`, as torchvision's `ImageFolder` has it."""
    random = np.random.default_rng(seed)
    for label in range(classes):
        place = folder / f"class{label}"
        place.mkdir(parents=True)
        for number in range(per_class):
            Image.fromarray(photograph(random)).save(place / f"{number:04}.jpg", quality=QUALITY)
    return folder


def photograph(random: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude falls with its frequency, and mostly grey, as photographs are: uint8 `(375, 500, 3)`."""
    rows, columns = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]
    amplitude = 1 / np.maximum(np.hypot(rows, columns), 1 / WIDTH)
    fields = np.fft.irfft2(np.fft.rfft2(random.standard_normal((4, HEIGHT, WIDTH))) * amplitude, (HEIGHT, WIDTH))
    grey, colours = np.split(fields / fields.std(axis=(1, 2), keepdims=True), [1])
    return np.clip(128 + 50 * grey + 12 * colours, 0, 255).astype(np.uint8).transpose(1, 2, 0)
