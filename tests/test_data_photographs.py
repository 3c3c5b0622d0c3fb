"""Image files of every kind, whole and broken."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from vggstudy import photographs
from vggstudy.errors import DataError
from vggstudy.photographs import read_photograph

HEIGHT, WIDTH = 24, 40


def picture() -> Image.Image:
    """Left half red, right half blue, the top rows green: every turn of it looks different."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2, 0] = pixels[:, WIDTH // 2 :, 2] = 255
    pixels[:8] = 0, 255, 0
    return Image.fromarray(pixels)


def is_picture(image: torch.Tensor) -> bool:
    reference = torch.from_numpy(np.array(picture())).permute(2, 0, 1)
    return image.shape == reference.shape and (image.int() - reference.int()).abs().float().mean() < 12


@pytest.mark.parametrize("suffix", ["jpg", "JPEG", "png", "bmp", "webp", "ppm", "tif"])
def test_usual_files(tmp_path, suffix):
    file = tmp_path / f"a picture ünd ein 图.{suffix}"
    picture().save(file)
    image = read_photograph(file)
    assert image.dtype == torch.uint8
    assert is_picture(image)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_image_upright(tmp_path, orientation, suffix):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions that the viewer must undo
    lying = picture() if orientation == 1 else picture().transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying.save(tmp_path / f"x.{suffix}", exif=exif, **({"quality": 95} if suffix == "jpg" else {}))
    assert is_picture(read_photograph(tmp_path / f"x.{suffix}"))


def test_cmyk_jpeg(tmp_path):
    picture().convert("CMYK").save(tmp_path / "x.jpg", quality=95)
    assert is_picture(read_photograph(tmp_path / "x.jpg"))


@pytest.mark.parametrize("mode", ["P", "PA", "RGBA", "LA", "L", "1"])
def test_other_modes_have_three_channels(tmp_path, mode):
    picture().convert("RGBA" if mode == "PA" else mode).save(tmp_path / "x.png")
    if mode == "PA":
        flat = picture().quantize(8)
        flat.save(tmp_path / "x.png", transparency=bytes([0, 128, 255]))
    image = read_photograph(tmp_path / "x.png")
    assert image.shape == (3, HEIGHT, WIDTH)
    assert is_picture(image) or mode in ("L", "LA", "1")
    if mode in ("L", "LA", "1"):
        assert torch.equal(image[0], image[1])
        assert len(image.unique()) > 1


def test_grey_jpeg(tmp_path):
    picture().convert("L").save(tmp_path / "x.jpg")
    image = read_photograph(tmp_path / "x.jpg")
    assert image.shape == (3, HEIGHT, WIDTH)
    assert torch.equal(image[0], image[2])


def test_sixteen_bits_keep_their_upper_eight(tmp_path):
    """Pillow's own conversion cuts off at 255: all but the darkest 1/256 would become white."""
    grey = (np.arange(256, dtype=np.uint16) * 255 + 255).reshape(16, 16)  # upper byte k, lower byte 255 - k
    Image.fromarray(grey).save(tmp_path / "x.png")
    assert torch.equal(read_photograph(tmp_path / "x.png")[1].flatten(), torch.arange(256, dtype=torch.uint8))


def test_a_single_pixel(tmp_path):
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "x.png")
    assert read_photograph(tmp_path / "x.png").flatten().tolist() == [1, 2, 3]


def test_floating_point_is_refused(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(DataError, match=r"x\.tif: floating-point pixels"):
        read_photograph(tmp_path / "x.tif")


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is as large as this."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def jpeg(quality: int = 90) -> bytes:
    buffer = BytesIO()
    picture().save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"is empty \(0 bytes\): fetch it again"),
        (b"<!DOCTYPE html><title>404</title>", "is no image, whatever its name says"),
        (jpeg()[:-40], r"is damaged \(Image is incomplete or truncated\)"),
        (jpeg()[:100], "is damaged|is no image"),
        (jpeg()[:2], "is no image"),
        (claims(20_000, 20_000), r"is damaged \(Image size \(400000000 pixels\) exceeds limit of"),
        (claims(9_000, 9_000), r": 9000x9000 pixels are more than the 67,108,864 allowed"),
        (claims(8, 8), "is damaged"),
    ],
)
def test_what_is_no_image_is_refused_with_its_path(tmp_path, content, reason):
    file = tmp_path / "x.jpg"
    file.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read_photograph(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)
    assert "0x7" not in str(caught.value)  # the address of a buffer tells the reader nothing


def test_a_folder_a_missing_file_and_one_that_may_not_be_read(tmp_path):
    (tmp_path / "x.jpg").mkdir()
    with pytest.raises(DataError, match=r"x\.jpg is a folder with the name of an image"):
        read_photograph(tmp_path / "x.jpg")
    with pytest.raises(DataError, match=r"y\.jpg cannot be read \(No such file or directory\)"):
        read_photograph(tmp_path / "y.jpg")


@pytest.mark.parametrize("way", [True, False])
def test_jpeg_is_decoded_by_torchvision_while_it_can(tmp_path, monkeypatch, way):
    monkeypatch.setattr(photographs, "TORCHVISION_DECODES", way)
    if way:
        monkeypatch.setattr(photographs.ImageOps, "exif_transpose", None)
    (tmp_path / "x.jpg").write_bytes(jpeg())
    assert is_picture(read_photograph(tmp_path / "x.jpg"))


class NoLibjpeg:
    """What torchvision answers, built without libjpeg; the lines before the message name where in its code."""

    def __call__(self, *_) -> torch.Tensor:
        raise RuntimeError("decode_jpeg.cpp:20, decode_jpeg: torchvision not compiled with libjpeg support")


def test_a_torchvision_without_libjpeg_leaves_jpeg_to_pillow(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.ops.image, "decode_jpeg", NoLibjpeg())
    (tmp_path / "x.jpg").write_bytes(jpeg())
    assert is_picture(read_photograph(tmp_path / "x.jpg"))
    (tmp_path / "x.jpg").write_bytes(jpeg()[:-40])
    with pytest.raises(DataError, match=r"x\.jpg is damaged \(image file is truncated"):
        read_photograph(tmp_path / "x.jpg")


def test_whole_jpeg_is_decoded_once(tmp_path, monkeypatch):
    """Pillow only reads its header."""
    monkeypatch.setattr(photographs, "_by_pillow", None)
    (tmp_path / "x.jpg").write_bytes(jpeg())
    assert is_picture(read_photograph(tmp_path / "x.jpg"))
