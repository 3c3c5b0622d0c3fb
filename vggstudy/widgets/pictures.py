"""Pictures that travel inside a page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from vggstudy.errors import DataError


def data_url(picture: ArrayLike, lossless: bool = False) -> str:
    """A picture as the address of itself.

    Args:
        picture: uint8, grey `(H, W)` or RGB as the library has it, `(3, H, W)`.
        lossless: For maps whose values matter; photographs are smaller without.
    Raises:
        DataError: If it is neither.
    """
    pixels = np.asarray(picture)
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and len(pixels) == 3)):
        raise DataError(f"a picture is uint8 of shape (H, W) or (3, H, W), not {pixels.dtype} {pixels.shape}")
    image = Image.fromarray(pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    stream = BytesIO()
    image.save(stream, "WEBP", lossless=lossless, quality=80)
    return f"data:image/webp;base64,{b64encode(stream.getvalue()).decode()}"
