"""Row `loader`: images a second, without any network.

Each library makes what its own training step takes: the references normalised floating-point numbers, we bytes, which
our step normalises on the device (row `train_step` counts that against us).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from vggstudy.augment import Augmentation, rescale, sample_batch
from vggstudy.bench.harness import Contest, Rival, contests
from vggstudy.bench.photographs import write_photographs
from vggstudy.bench.records import Goal, Row, Setting
from vggstudy.bench.references import MEAN, STD, evaluation_images, loader, rescaled_images, training_images
from vggstudy.folders import class_folders, class_set
from vggstudy.imageset import ImageSet
from vggstudy.model import Preprocessing
from vggstudy.validation import centre_crop

IMAGENET = Preprocessing(mean=MEAN, std=STD, scale=1 / 255)
BATCH = 32


@contextmanager
def one_thread() -> Iterator[None]:
    """What one core does, for Pillow has but one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def draw_all(images: ImageSet, augmentation: Augmentation) -> None:
    """Every image once, in batches."""
    for indices in torch.arange(len(images)).split(BATCH):
        sample_batch(images, indices, seed=0, epoch=0, augmentation=augmentation)


@contextmanager
def jpeg_contest(setting: Setting) -> Iterator[Contest]:
    with TemporaryDirectory() as name, one_thread():
        folder = write_photographs(Path(name), 2, 16 if setting.quick else 64)
        augmentation = Augmentation(colour_std=0.0)
        same_job, own_job = (
            loader(preset(folder), BATCH, workers=0, device="cpu")
            for preset in (partial(rescaled_images, size=256, crop_size=224), partial(training_images, crop_size=224))
        )

        def images() -> ImageSet:
            return class_set(folder, class_folders(folder))  # a new set: nothing of it is in memory

        def crops_differ() -> float:
            """Centre crops at 256 pixels, for the random ones differ by design; mean difference in levels of 255."""
            pairs = zip(images(), evaluation_images(folder, 256, 224), strict=True)
            differences = [
                (IMAGENET(centre_crop(rescale(ours, 256), 224)[None])[0] - theirs).abs().mean() * 255 * np.mean(STD)
                for (ours, _), (theirs, _) in pairs
            ]
            return float(max(differences))

        yield Contest(
            f"{len(images())} JPEGs of 500x375 pixels decoded, rescaled to 256, cropped and mirrored on one core",
            lambda: draw_all(images(), augmentation),
            {
                "Pillow": Rival(lambda: list(same_job), Goal(2.0, None, 1.3)),
                "Pillow, part of the image resized": Rival(lambda: list(own_job)),
            },
            crops_differ,
            tolerance=1.0,
            details=lambda: {"photographs": len(images())},
        )


class InMemory(Dataset):
    """Images in memory as torchvision's CIFAR-10 hands them out: Pillow images, augmented one by one."""

    def __init__(self, images: np.ndarray, crop_size: int) -> None:
        self.images = images
        self.transform = transforms.Compose([
            transforms.RandomCrop(crop_size), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ])  # fmt: skip

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), 0


@contextmanager
def resident_contest(setting: Setting) -> Iterator[Contest]:
    number, side, crop_size = 1024 if setting.quick else 4096, 64, 56
    with one_thread():
        pixels = np.random.default_rng(0).integers(0, 256, (number, side, side, 3), dtype=np.uint8)
        tensors = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        ours = ImageSet(tensors.__getitem__, torch.zeros(number, dtype=torch.long), str, "bench")
        augmentation = Augmentation(crop_size, S=side, colour_std=0.0)
        theirs = InMemory(pixels, crop_size)
        in_process, in_workers = (
            DataLoader(theirs, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
            for workers in (0, 2)
        )

        def crops_differ() -> float:
            """A crop of ours must be a part of its image: the same pixels, normalised as theirs are."""
            crop = transforms.Compose(theirs.transform.transforms[2:])(Image.fromarray(pixels[0]))
            return float((IMAGENET(tensors[:1])[0] - crop).abs().max())

        yield Contest(
            f"{number} images of {side}x{side} pixels in memory, cropped and mirrored on one core",
            lambda: draw_all(ours, augmentation),
            {
                "DataLoader": Rival(lambda: list(in_process), Goal(5.0, None, 2.0)),
                "DataLoader, 2 workers": Rival(lambda: list(in_workers)),
            },
            crops_differ,
            tolerance=1e-5,
            details=lambda: {"images": number},
        )


row = Row("loader", "images ready for the network, without a network", contests(jpeg_contest, resident_contest))
