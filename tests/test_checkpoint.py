"""Checkpoints: what is written is what is read, and what is damaged or foreign is refused by name."""

from __future__ import annotations

import json
import pickle
import struct
import warnings
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from tiny import equal, tiny_net, weights

from vggstudy.checkpoint import FORMAT, NewerFormat, load_checkpoint, read, save_checkpoint, snapshot, write
from vggstudy.errors import CheckpointError
from vggstudy.rundirectory import checkpoints, newest_checkpoint, open_run


def test_a_network_comes_back_as_it_was(tmp_path):
    model = tiny_net(seed=3)
    path = save_checkpoint(tmp_path / "net.safetensors", model, classes=("a", "b", "c"), seed=3)
    back = load_checkpoint(path)
    assert equal(weights(model), weights(back))
    assert back.preprocessing == model.preprocessing
    assert back.spec == model.spec
    assert back.classes == ("a", "b", "c")
    assert not back.training
    assert read(path).training == {"seed": 3}


def test_channels_last_weights_come_back_in_the_usual_order(tmp_path):
    model = tiny_net().to(memory_format=torch.channels_last)
    back = load_checkpoint(save_checkpoint(tmp_path / "net.safetensors", model))
    assert equal(weights(model), weights(back))
    assert back.features[0].weight.is_contiguous()


def test_momentum_is_read_only_when_it_is_wanted(tmp_path):
    momentum = {"features.0.weight": torch.randn(4, 3, 3, 3)}
    path = write(tmp_path / "net.safetensors", snapshot(tiny_net(), momentum=momentum))
    assert equal(read(path).momentum, momentum)
    assert read(path, momentum=False).momentum == {}


def test_nothing_is_left_beside_a_checkpoint(tmp_path):
    save_checkpoint(tmp_path / "net.safetensors", tiny_net())
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.parametrize(
    ("place", "reason"), [("none", "the folder .*none is not there, make it first"), ("file", "Not a directory")]
)
def test_a_folder_that_is_not_there_is_one_line(tmp_path, place, reason):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=reason) as caught:
        save_checkpoint(tmp_path / place / "net.safetensors", tiny_net())
    assert str(caught.value).startswith(f"{tmp_path / place / 'net.safetensors'}: could not be written")
    assert "\n" not in str(caught.value)


@pytest.mark.fault("T06")
def test_space_that_nobody_knows_is_one_line(monkeypatch, tmp_path):
    def refused(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.disk_usage", refused)
    with pytest.raises(CheckpointError, match=r"cannot be looked at \(Permission denied\)"):
        save_checkpoint(tmp_path / ("x" * 300 + ".safetensors"), tiny_net())


def damage(path, kind):
    whole = path.read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "half":
            path.write_bytes(whole[: len(whole) // 2])
        case "web page":
            path.write_bytes(b"<!DOCTYPE html><html><body>404</body></html>")
        case "text":
            path.write_text("not a checkpoint\n")
        case "bit of a tensor":
            path.write_bytes(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
        case "bit of the header":
            at = whole.index(b"crop_size") + 1
            assert at < header
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        case "foreign":
            save_file({"weight": torch.zeros(2)}, path)


KINDS = {
    "empty": "empty file",
    "half": "not a whole safetensors file",
    "web page": "a web page",
    "text": "not a whole safetensors file",
    "bit of a tensor": "SHA-256 of .* does not agree",
    "bit of the header": "SHA-256 of its header",
    "foreign": "not a checkpoint of vggstudy",
}


@pytest.mark.fault("T07")
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_named_with_the_reason(tmp_path, kind):
    path = save_checkpoint(tmp_path / "net.safetensors", tiny_net())
    damage(path, kind)
    with pytest.raises(CheckpointError, match=KINDS[kind]) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.fault("T07")
def test_every_single_flipped_bit_is_noticed(tmp_path):
    path = save_checkpoint(tmp_path / "net.safetensors", tiny_net(fc_width=2))
    whole = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for at in torch.randint(0, len(whole), (200,), generator=generator).tolist():
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        with pytest.raises(CheckpointError):
            load_checkpoint(path)


@pytest.mark.fault("T07")
def test_a_wrong_suffix_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"ends in \.safetensors"):
        save_checkpoint(tmp_path / "net.pt", tiny_net())
    with pytest.raises(CheckpointError, match="no such checkpoint file"):
        load_checkpoint(tmp_path / "missing.safetensors")


@pytest.mark.fault("T07")
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_falls_back_to_the_checkpoint_before(tmp_path, kind):
    with open_run(tmp_path, resume=False) as run:
        for step in (1, 2):
            run.save(step, replace(snapshot(tiny_net(seed=step)), training={"step": step}), 3, None)
    damage(checkpoints(tmp_path)[-1][1], kind)
    with pytest.warns(UserWarning, match="falling back to the one before"):
        found = newest_checkpoint(tmp_path)
    assert found.training == {"step": 1}
    assert equal(found.weights, weights(tiny_net(seed=1)))


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.fault("T08")
def test_a_pickle_is_refused_and_runs_nothing(tmp_path):
    trace = tmp_path / "it ran"
    for name, write_it in (
        ("plain.safetensors", lambda path: path.write_bytes(pickle.dumps(Bomb(str(trace))))),
        ("zip.safetensors", lambda path: torch.save({"state": Bomb(str(trace))}, path)),
    ):
        path = tmp_path / name
        write_it(path)
        with pytest.raises(CheckpointError, match="a pickle, which could run code and is never opened"):
            load_checkpoint(path)
    assert not trace.exists()


def newer(path):
    from vggstudy import checkpoint as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FORMAT", FORMAT + 1)
        save_checkpoint(path, tiny_net())


@pytest.mark.fault("T13")
def test_a_newer_format_is_refused_and_not_fallen_back_from(tmp_path):
    save_checkpoint(tmp_path / "step-00000001.safetensors", tiny_net())
    newer(tmp_path / "step-00000002.safetensors")
    for path in (tmp_path / "step-00000002.safetensors", tmp_path):
        with pytest.raises(NewerFormat, match=f"format {FORMAT + 1}.*install a newer vggstudy"):
            load_checkpoint(path)


@pytest.mark.fault("T11")
def test_the_newest_and_the_best_stay_and_steps_sort_as_numbers(tmp_path):
    with open_run(tmp_path, resume=False) as run:
        for step in (2, 9, 10, 100):
            run.save(step, snapshot(tiny_net()), keep=2, best_step=2)
    assert [step for step, _ in checkpoints(tmp_path)] == [2, 10, 100]
    (tmp_path / "step-9.safetensors").write_bytes((tmp_path / "step-00000002.safetensors").read_bytes())
    assert [step for step, _ in checkpoints(tmp_path)] == [2, 9, 10, 100]


def test_an_empty_run_directory_has_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint yet"), warnings.catch_warnings():
        load_checkpoint(tmp_path)


def test_the_header_is_json_that_others_can_read(tmp_path):
    path = save_checkpoint(tmp_path / "net.safetensors", tiny_net(), classes=("a", "b", "c"))
    length = struct.unpack("<Q", path.read_bytes()[:8])[0]
    header = json.loads(path.read_bytes()[8 : 8 + length])["__metadata__"]
    record = json.loads(header["vggstudy"])
    assert record["format"] == FORMAT
    assert set(record["sha256"]) == set(tiny_net().state_dict())
