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

LARGEST = 2**26
"""Most pixels of a photograph, 67 million: no file that claims more is decoded."""

TORCHVISION_DECODES = hasattr(torch.ops.image, "decode_jpeg")
"""Whether torchvision has its JPEG decoder, half again as fast as Pillow's. From 0.29 on it says that it will go."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


ORIENTATION = 0x0112  # EXIF tag; 1 is upright


def read_photograph(path: str | Path, device: torch.device | None = None) -> Tensor:
    """Decode a file, upright as its EXIF tag says.

    Grey, palette, CMYK and 16-bit images become RGB; transparency is dropped.

    Args:
        path: Of the file.
        device: Where the image is wanted; None for the host.  A CUDA device decodes an upright JPEG itself, and other
            files come to it from the host.
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
        return _decode(data) if device is None else _decode_for(device, data)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} is no image, whatever its name says: remove it or fetch it again") from None
    except Exception as error:
        reason = " ".join(re.sub(r"^.*\.cpp:\d+, ", "", str(error)).split())
        raise DataError(f"{path} is damaged ({reason}): fetch it again or remove it") from error


def _decode(data: bytes) -> Tensor:
    with Image.open(BytesIO(data)) as image:
        if image.width * image.height > LARGEST:
            raise DataError(f"{image.width}x{image.height} pixels are more than the {LARGEST:,} allowed: scale it down")
        if image.format == "JPEG" and TORCHVISION_DECODES:
            encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
            return torch.ops.image.decode_jpeg(encoded, ImageReadMode.RGB.value, True)  # True: upright
        pixels = np.array(_eight_bits(ImageOps.exif_transpose(image)).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _decode_for(device: torch.device, data: bytes) -> Tensor:
    if device.type == "cuda" and _decodable_on_gpu(data):
        encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        try:
            return torch.ops.image.decode_jpegs_cuda([encoded], ImageReadMode.RGB.value, device)[0]
        except RuntimeError:
            pass  # the host reads more kinds of JPEG, and says what is wrong with a damaged one
    return _decode(data).to(device)


def _decodable_on_gpu(data: bytes) -> bool:
    """Whether it is a JPEG of one or three colours that needs no turning."""
    if not hasattr(torch.ops.image, "decode_jpegs_cuda"):
        return False
    with Image.open(BytesIO(data)) as image:
        small = image.width * image.height <= LARGEST
        upright = image.getexif().get(ORIENTATION, 1) == 1
        return small and upright and image.format == "JPEG" and image.mode in ("L", "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        raise DataError("floating-point pixels have no agreed range: save it with 8 bits")
    return image.convert("RGBA") if "transparency" in image.info else image
