"""Image files of every kind, as three channels of eight bits.

JPEG, the usual case, is decoded by torchvision; what it does not take, and all else, by Pillow.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torchvision.io import ImageReadMode

from .errors import DataError
from .memory import is_out_of_memory

LARGEST = 2**26
"""Most pixels of a photograph, 67 million: no file that claims more is decoded."""

TORCHVISION_DECODES = hasattr(torch.ops.image, "decode_jpeg")
"""Whether torchvision has its JPEG decoder, half again as fast as Pillow's. From 0.29 on it says that it will go.

It has one too where it was built without libjpeg, but that refuses every image.
"""

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def read_photograph(path: str | Path) -> Tensor:
    """Decode a file, upright as its EXIF tag says.

    Grey, palette, CMYK and 16-bit images become RGB; transparency is dropped.

    Returns:
        uint8 RGB `(3, H, W)`.
    Raises:
        DataError: If it is no image, cut short, or larger than `LARGEST` pixels.
    """
    if Path(path).is_dir():
        raise DataError(f"{path} is a folder with the name of an image: rename or remove it")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None
    if not data:
        raise DataError(f"{path} is empty (0 bytes): fetch it again or remove it")
    try:
        return _decode(data)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} is no image, whatever its name says: remove it or fetch it again") from None
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(re.sub(r"^.*\.cpp:\d+, ", "", str(error)).split())
        raise DataError(f"{path} is damaged ({reason}): fetch it again or remove it") from error


def _decode(data: bytes) -> Tensor:
    with Image.open(BytesIO(data)) as image:
        if image.width * image.height > LARGEST:
            raise DataError(f"{image.width}x{image.height} pixels are more than the {LARGEST:,} allowed: scale it down")
        if image.format != "JPEG" or not TORCHVISION_DECODES:
            return _by_pillow(image)
        try:
            encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
            return torch.ops.image.decode_jpeg(encoded, ImageReadMode.RGB.value, True)  # True: upright
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            refusal = error
        try:
            return _by_pillow(image)
        except Exception as error:
            raise (error if "not compiled with" in str(refusal) else refusal) from None


def _by_pillow(image: Image.Image) -> Tensor:
    pixels = np.array(_eight_bits(ImageOps.exif_transpose(image)).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        raise DataError("floating-point pixels have no agreed range: save it with 8 bits")
    return image.convert("RGBA") if "transparency" in image.info else image
