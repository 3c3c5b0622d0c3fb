"""Weights from elsewhere: published nets and files, each with the preprocessing that its owner used.

===========  =======  =====================================================================================
source       nets     what it is
===========  =======  =====================================================================================
torchvision  A B D E  trained by PyTorch's authors: RGB in 0-1, mean and standard deviation of ImageNet
oxford       D E      the paper's own nets, from Caffe through J. Johnson's PyTorch files: BGR in 0-255
keras        D E      the paper's own nets as Keras hands them out (HDF5): the same numbers in another layout
===========  =======  =====================================================================================
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from vggstudy.archives import fetch
from vggstudy.checkpoint import SUFFIX, load_checkpoint
from vggstudy.configs import find_config
from vggstudy.errors import ConfigError, WeightsError, unknown
from vggstudy.model import VGG, Preprocessing, vgg
from vggstudy.nets import shipped, weights_file

CAFFE = Preprocessing(mean=(103.939, 116.779, 123.68), order="BGR")
TORCHVISION = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), scale=1 / 255)


@dataclass(frozen=True)
class Published:
    """One file of published weights.  The checksum may be the beginning of a digest, as in PyTorch names."""

    url: str
    checksum: str

    def path(self) -> Path:
        """The file in PyTorch's own cache, fetched if need be."""
        return fetch(self.url, Path(torch.hub.get_dir()) / "checkpoints" / self.url.rpartition("/")[2], self.checksum)


@dataclass(frozen=True)
class Source:
    """Where weights come from: how a file is read, how the network is fed, and the files by configuration."""

    read: Callable[[Path, VGG], dict[str, Tensor]] = field(repr=False)
    preprocessing: Preprocessing
    files: Mapping[str, Published]

    def file(self, name: str, config: str) -> Path:
        if config not in self.files:
            raise WeightsError(f"{name} has no weights of {config}; it has {', '.join(self.files)}")
        return self.files[config].path()


def load_weights(model: VGG, weights: Any) -> None:
    """Fill a network with weights, and set the preprocessing that they need.

    Args:
        model: The network, of the configuration, width and classes that the weights are of.
        weights: A source (`"torchvision"`, `"oxford"`, `"keras"`), which is fetched once and verified; a file
            of one (`"oxford:vgg16.pth"`); one of torchvision's names or enums
            (`"VGG16_Weights.IMAGENET1K_V1"`); a checkpoint or run directory of ours; or an HDF5 file of
            Keras.
    Raises:
        WeightsError: If they are not known, damaged, or do not fit.
        DataError: If they cannot be fetched.

    Paper: section 4 (public release).  Book: ImageNet.
    """
    text = str(weights)
    name, _, path = text.partition(":")
    if name in SOURCES:
        source = SOURCES[name]
        _fill(model, source.read(Path(path) if path else source.file(name, model.config.name), model), text)
        model.preprocessing = source.preprocessing
    elif "_Weights." in text:
        _load_enum(model, text)
    elif Path(text).is_dir() or Path(text).suffix == SUFFIX:
        _load_checkpoint(model, Path(text))
    elif Path(text).suffix in (".h5", ".hdf5"):
        load_weights(model, f"keras:{text}")
    elif Path(text).exists():
        raise WeightsError(f"{text}: say whose weights these are, torchvision:{text} or oxford:{text}")
    else:
        raise WeightsError(unknown("weights", text, [*SOURCES, "VGG16_Weights.IMAGENET1K_V1", "or a file"]))


def find_network(name: str, weights: str | None = None, num_classes: int = 1000) -> VGG:
    """The network that a command line names: a shipped one, a checkpoint, a run directory, or a configuration.

    What lies in the working directory does not change what `D` means; a folder of that name is `./D`.

    Raises:
        WeightsError: For a configuration without weights, or weights for what has its own.
    """
    if name in shipped():
        name = str(weights_file(name))
    if not _is_configuration(name) and (Path(name).exists() or Path(name).suffix == SUFFIX):
        if weights is not None:
            raise WeightsError(f"{name} has weights of its own: leave {weights} out, or name a configuration such as D")
        return load_checkpoint(name)
    if os.sep in name:
        raise WeightsError(f"{name}: there is no such checkpoint or run directory")
    config = find_config(name)
    if weights is None:
        there = f"; what is called so here is ./{name}" if os.path.exists(name) else ""
        raise WeightsError(f"configuration {config.name} needs weights: {', '.join(SOURCES)}, or a file{there}")
    return vgg(config, num_classes=num_classes, weights=weights).eval()


def _is_configuration(name: str) -> bool:
    """Whether a text is the name of a configuration, and can be no path that somebody wrote as one."""
    if os.sep in name or Path(name).suffix == SUFFIX:
        return False
    try:
        find_config(name)
    except ConfigError:
        return False
    return True


def _load_enum(model: VGG, name: str) -> None:
    from torchvision.models import get_weight

    try:
        enum = get_weight(name)
    except (ValueError, KeyError):
        raise WeightsError(f"torchvision has no weights {name!r}; write VGG16_Weights.IMAGENET1K_V1") from None
    owner = name.partition("_Weights")[0]
    if not owner.startswith("VGG") or owner.endswith("BN") or find_config(owner).name != model.config.name:
        raise WeightsError(f"{name} are weights of {owner}, not of configuration {model.config.name}")
    digest = enum.url.rpartition("-")[2].removesuffix(".pth")
    _fill(model, read_torch(Published(enum.url, f"sha256:{digest}").path(), model), name)
    transforms = enum.transforms()
    model.preprocessing = Preprocessing(tuple(transforms.mean), tuple(transforms.std), scale=1 / 255)


def _load_checkpoint(model: VGG, path: Path) -> None:
    ours = load_checkpoint(path)
    _fill(model, ours.state_dict(), str(path))
    model.preprocessing, model.classes = ours.preprocessing, ours.classes


def _fill(model: VGG, state: Mapping[str, Tensor], origin: str) -> None:
    """Copy a state dict whose names and shapes are exactly the network's, and whose numbers are finite."""
    own = model.state_dict()
    if missing := own.keys() ^ state.keys():
        odd = min(missing)
        raise WeightsError(
            f"{origin} does not fit {model.config.name}: only {'it' if odd in state else 'the network'} has {odd}"
        )
    for key, tensor in own.items():
        if tensor.shape != state[key].shape:
            raise WeightsError(
                f"{origin} does not fit: {key} is {tuple(state[key].shape)}, not {tuple(tensor.shape)}; "
                "look at configuration, width, crop_size, fc_width and num_classes"
            )
        if not state[key].isfinite().all():
            raise WeightsError(f"{origin}: {key} holds numbers that are not finite; these are no weights to evaluate")
    model.load_state_dict(state)


def read_torch(path: Path, model: VGG) -> dict[str, Tensor]:
    """A state dict with torchvision's names, or with the two older places of the fully-connected layers.

    Raises:
        WeightsError: If the file is missing, damaged, or holds anything but tensors; nothing in it is run.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # about a pickle protocol, for example
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"no such file of weights: {path}") from None
    except (
        OSError,
        RuntimeError,
        UnpicklingError,
        EOFError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
    ):
        raise WeightsError(f"{path} is no sound PyTorch state dict ({_kind(path)}); fetch it again") from None
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise WeightsError(f"{path} holds {type(state).__name__}, not a state dict of tensors; save model.state_dict()")
    if "classifier.1.weight" in state:  # before 2017 dropout came first in torchvision's classifier
        places = {"classifier.1": "classifier.0", "classifier.4": "classifier.3"}
        return {
            places.get(stem, stem) + dot + last: t
            for key, t in state.items()
            for stem, dot, last in [key.rpartition(".")]
        }
    return state


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(64).lstrip().lower()
    if not head:
        return "it is empty"
    return "an HTML page" if head.startswith((b"<!doc", b"<html")) else "damaged, or it holds more than tensors"


def read_keras(path: Path, model: VGG) -> dict[str, Tensor]:
    """The state dict in a file of Keras, where convolutions are (h, w, in, out) and maps are flattened h, w, C.

    Raises:
        WeightsError: If the file is missing or damaged, or lacks a layer.
    """
    try:
        import h5py
    except ImportError:
        raise WeightsError(f"{path} is HDF5: pip install h5py to read it") from None
    try:
        with h5py.File(path) as file:
            layers = file.get("model_weights", file)
            return {
                f"{key}.{part}": tensor
                for key, name in _keras_names(model).items()
                for part, tensor in zip(("weight", "bias"), _keras_layer(layers, name, model.map_side), strict=True)
            }
    except (OSError, KeyError) as error:
        raise WeightsError(f"{path} is no sound HDF5 file of Keras weights ({error}); fetch it again") from None


def _keras_names(model: VGG) -> dict[str, str]:
    """Keras' name of each layer in our state dict: conv3_2 is block3_conv2, fc6 fc1, fc8 predictions."""
    fully_connected = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}
    names = {layer: name for name, layer in model.weight_layers.items()}

    def theirs(name: str) -> str:
        block, _, place = name.removeprefix("conv").partition("_")
        return fully_connected.get(name) or f"block{block}_conv{place}"

    return {key: theirs(names[layer]) for key, layer in model.named_modules() if layer in names}


def _keras_layer(file: Any, name: str, map_side: int) -> tuple[Tensor, Tensor]:
    import h5py

    arrays: list[Tensor] = []
    file[name].visititems(
        lambda _, item: arrays.append(torch.from_numpy(item[()])) if isinstance(item, h5py.Dataset) else None
    )
    kernel, bias = sorted(arrays, key=lambda array: -array.ndim)
    if kernel.ndim == 4:
        return kernel.permute(3, 2, 0, 1), bias
    if name == "fc1":
        kernel = kernel.unflatten(0, (map_side, map_side, -1)).permute(2, 0, 1, 3).flatten(0, 2)
    return kernel.T, bias


_TORCHVISION_URL = "https://download.pytorch.org/models/"
_OXFORD_URL = "https://web.eecs.umich.edu/~justincj/models/"
_KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"

SOURCES = {
    "torchvision": Source(
        read_torch,
        TORCHVISION,
        {
            "A": Published(_TORCHVISION_URL + "vgg11-8a719046.pth", "sha256:8a719046"),
            "B": Published(_TORCHVISION_URL + "vgg13-19584684.pth", "sha256:19584684"),
            "D": Published(_TORCHVISION_URL + "vgg16-397923af.pth", "sha256:397923af"),
            "E": Published(_TORCHVISION_URL + "vgg19-dcbb9e9d.pth", "sha256:dcbb9e9d"),
        },
    ),
    "oxford": Source(
        read_torch,
        CAFFE,
        {
            "D": Published(_OXFORD_URL + "vgg16-00b39a1b.pth", "sha256:00b39a1b"),
            "E": Published(_OXFORD_URL + "vgg19-d01eb7cb.pth", "sha256:d01eb7cb"),
        },
    ),
    "keras": Source(
        read_keras,
        CAFFE,
        {
            "D": Published(_KERAS_URL + "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
                           "md5:64373286793e3c8b2b4e3219cbf3544b"),
            "E": Published(_KERAS_URL + "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5",
                           "md5:cbe5617147190e668d6c5d5026f83318"),
        },
    ),
}  # fmt: skip
