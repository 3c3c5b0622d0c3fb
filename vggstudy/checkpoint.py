"""Checkpoints: one safetensors file that says what it holds, written atomically, verified when read.  No pickle.

The header of the file carries two texts: `vggstudy`, a JSON record (format, the arguments that build the
network, its preprocessing, its classes, SHA-256 of each tensor, and in a training run where it stood), and
`sha256`, the digest of that record.  A flipped bit anywhere in the file is therefore noticed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vggstudy.atomic import replacing
from vggstudy.errors import CheckpointError
from vggstudy.model import VGG, Preprocessing, vgg
from vggstudy.regime import Scale

FORMAT = 1
MOMENTUM = "momentum."  # prefix of the optimiser's tensors
SUFFIX = ".safetensors"


class NewerFormat(CheckpointError):
    """A checkpoint that a later version of the library wrote."""


class Unreadable(CheckpointError):
    """A checkpoint that the disk does not give just now; nothing is known of what it holds."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Args:
        spec: Arguments of `vgg` that build the network.
        preprocessing: Fields of the network's `Preprocessing`.
        classes: Names of the classes, in the order of the scores.
        training: Where a run stood (see `train`); empty for weights alone.
        weights: State dict of the network.
        momentum: Momentum of each parameter, by its name.
    """

    spec: dict[str, Any]
    preprocessing: dict[str, Any]
    classes: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict, repr=False)
    momentum: dict[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def S(self) -> Scale | None:
        """Training scale in pixels, or its range; None where it is not known."""
        S = self.training.get("record", self.training).get("train", {}).get("S")
        return tuple(S) if isinstance(S, list) else S

    def model(self) -> VGG:
        """The network, with its preprocessing, `classes` and training scale `S`, in eval mode on the CPU."""
        model = vgg(**self.spec)
        model.load_state_dict(self.weights)
        model.preprocessing = preprocessing(self.preprocessing)
        model.classes = self.classes
        model.S = self.S
        return model.eval()


def preprocessing(record: Mapping[str, Any]) -> Preprocessing:
    """A `Preprocessing` from its JSON record."""
    return Preprocessing(**{key: tuple(value) if isinstance(value, list) else value for key, value in record.items()})


def snapshot(model: VGG, *, classes: Iterable[str] = (), training: Mapping[str, Any] | None = None,
             momentum: Mapping[str, Tensor] | None = None) -> Checkpoint:  # fmt: skip
    """A checkpoint of a network as it is now; the tensors are those of the network, not copies."""
    return Checkpoint(
        model.spec,
        asdict(model.preprocessing),
        tuple(classes),
        dict(training or {}),
        model.state_dict(),
        dict(momentum or {}),
    )


def save_checkpoint(path: str | Path, model: VGG, *, classes: Iterable[str] = (), **training: Any) -> Path:
    """Write a network to one file: all or nothing, and never half.

    Args:
        path: The file, `*.safetensors`.
        model: Its weights, the arguments that build it and its preprocessing are kept.
        classes: Names of the classes, in the order of the scores.
        training: Anything worth keeping that JSON can hold.
    Returns:
        The path.
    Raises:
        CheckpointError: If it cannot be written; a file that was there before is still there.
    """
    return write(path, snapshot(model, classes=classes, training=training))


def load_checkpoint(path: str | Path) -> VGG:
    """The network of a checkpoint, in eval mode on the CPU, with its preprocessing, its `classes` and its `S`.

    Args:
        path: A checkpoint file, or a run directory, of which the newest valid checkpoint is taken.
    Raises:
        CheckpointError: If the file is not there, damaged, foreign, or of a newer format.
    """
    path = Path(path)
    if path.is_dir():
        from vggstudy.rundirectory import newest_checkpoint

        return newest_checkpoint(path, momentum=False).model()
    return read(path, momentum=False).model()


def write(path: str | Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint: to a temporary file, flushed to the disk, then renamed over `path`."""
    path = Path(path)
    if path.suffix != SUFFIX:
        raise CheckpointError(f"{path}: a checkpoint's name ends in {SUFFIX}")
    tensors = checkpoint.weights | {MOMENTUM + name: tensor for name, tensor in checkpoint.momentum.items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    record = {
        "format": FORMAT,
        "spec": checkpoint.spec,
        "preprocessing": checkpoint.preprocessing,
        "classes": checkpoint.classes,
        "training": checkpoint.training,
        "sha256": {name: _digest(tensor) for name, tensor in tensors.items()},
    }
    text = json.dumps(record, sort_keys=True)
    header = {"vggstudy": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    try:
        with replacing(path) as part:
            save_file(tensors, part, header)
            part.chmod(0o644)
    except (OSError, SafetensorError) as error:
        needed = sum(tensor.nbytes for tensor in tensors.values())
        raise CheckpointError(
            f"{path}: could not be written ({_reason(error)}); {space(path.parent, needed)}"
        ) from error
    return path


def read(path: str | Path, *, momentum: bool = True) -> Checkpoint:
    """Read and verify a checkpoint.

    Args:
        path: The file.
        momentum: Whether to read (and verify) the optimiser's tensors too.
    Raises:
        CheckpointError: Naming the file and what is wrong with it.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint file")
    try:
        with safe_open(path, "pt") as file:
            record = _record(path, file.metadata() or {})
            names = [name for name in file.keys() if momentum or not name.startswith(MOMENTUM)]  # noqa: SIM118
            tensors = {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({_reason(error)}); see to the disk and try again") from None
    except SafetensorError as error:
        raise CheckpointError(f"{path}: {_not_safetensors(path, error)}; take another checkpoint") from None
    expected = {name for name in record["sha256"] if momentum or not name.startswith(MOMENTUM)}
    damaged = sorted(expected ^ set(tensors))
    damaged += [
        name for name, tensor in tensors.items() if name in expected and _digest(tensor) != record["sha256"][name]
    ]
    if damaged:
        raise CheckpointError(f"{path}: damaged, SHA-256 of {damaged[0]} does not agree; take another checkpoint")
    moving = {name for name in tensors if name.startswith(MOMENTUM)}
    return Checkpoint(
        record["spec"],
        record["preprocessing"],
        tuple(record["classes"]),
        record["training"],
        {name: tensor for name, tensor in tensors.items() if name not in moving},
        {name.removeprefix(MOMENTUM): tensors[name] for name in moving},
    )


def _record(path: Path, header: Mapping[str, str]) -> dict[str, Any]:
    if "vggstudy" not in header:
        raise CheckpointError(f"{path}: a safetensors file, but not a checkpoint of vggstudy; load it with --weights")
    text = header["vggstudy"]
    if hashlib.sha256(text.encode()).hexdigest() != header.get("sha256"):
        raise CheckpointError(f"{path}: damaged, SHA-256 of its header does not agree; take another checkpoint")
    record = json.loads(text)
    if record["format"] > FORMAT:
        raise NewerFormat(
            f"{path}: format {record['format']}, but this vggstudy reads formats up to {FORMAT}; "
            "install a newer vggstudy"
        )
    return record


def _not_safetensors(path: Path, error: Exception) -> str:
    """What a file that safetensors refuses seems to be."""
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "empty file"
    zipped, pickled = start.startswith(b"PK\x03\x04"), re.match(rb"\x80[\x02-\x05]", start)
    if zipped or (pickled and start[8:9] != b"{"):
        return "a pickle, which could run code and is never opened"
    if re.match(rb"\s*<(!doctype|html|\?xml)", start, re.IGNORECASE):
        return "a web page, not a checkpoint"
    return f"not a whole safetensors file ({_reason(error)})"


def _digest(tensor: Tensor) -> str:
    """SHA-256 of a tensor: its type, its shape, its bytes."""
    sha = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    sha.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return sha.hexdigest()


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())


def space(folder: Path, needed: int) -> str:
    """Needed and free bytes of a folder's disk, in words; or why nobody knows."""
    try:
        return f"needed: {needed:,} bytes, free: {shutil.disk_usage(folder).free:,} bytes"
    except FileNotFoundError:
        return f"the folder {folder} is not there, make it first"
    except OSError as error:
        return f"the folder {folder} cannot be looked at ({error.strerror})"
