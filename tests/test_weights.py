"""Weights of every origin: files of the formats in which they are handed out are made here, and give equal logits."""

import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch
import torchvision
from torch.nn import functional as F

from vggstudy import weights
from vggstudy.checkpoint import save_checkpoint
from vggstudy.configs import find_config
from vggstudy.errors import DataError, StudyError, WeightsError
from vggstudy.initialise import initialise
from vggstudy.model import Preprocessing, preprocess, vgg
from vggstudy.weights import CAFFE, SOURCES, TORCHVISION, find_network, load_weights

NARROW = {"num_classes": 9, "width": 1 / 32, "crop_size": 64, "fc_width": 12}


def network(config="D", **net):
    return initialise(vgg(config, **(NARROW | net)), "he", seed=5).eval()


def empty(config="D"):
    return vgg(config, **NARROW).eval()


def logits(model, images=None):
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) if images is None else images
    with torch.inference_mode():
        return model(images)


@pytest.fixture
def pixels():
    return torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_torchvisions_weights_with_torchvisions_preprocessing(tmp_path, pixels):
    ours = network()
    theirs = torchvision.models.VGG(ours.features, num_classes=9, init_weights=False).eval()
    theirs.avgpool, theirs.classifier = torch.nn.Identity(), ours.classifier
    torch.save(theirs.state_dict(), tmp_path / "vgg16.pth")
    model = empty()
    load_weights(model, f"torchvision:{tmp_path / 'vgg16.pth'}")
    transforms = torchvision.models.VGG16_Weights.IMAGENET1K_V1.transforms(crop_size=64, resize_size=64)
    assert torch.allclose(preprocess(model, pixels), transforms(pixels), atol=1e-6)
    assert torch.allclose(logits(model, preprocess(model, pixels)), logits(theirs, transforms(pixels)), atol=1e-4)


def test_full_torchvision_files_load_strictly(tmp_path, monkeypatch):
    """At full width, on the meta device, so that no half gigabyte is written."""
    with torch.device("meta"):
        theirs, ours = torchvision.models.vgg19(), vgg("E")
    assert {k: v.shape for k, v in theirs.state_dict().items()} == {k: v.shape for k, v in ours.state_dict().items()}


def caffe_numbers(model):
    """The state dict as the PyTorch files made from Caffe hold it: the fully-connected layers at places 1, 4, 6."""
    return OrderedDict(
        (key.replace("classifier.3", "classifier.4").replace("classifier.0", "classifier.1"), value)
        for key, value in model.state_dict().items()
    )


def test_the_oxford_nets_as_caffe_derived_files(tmp_path, pixels):
    ours = network()
    torch.save(caffe_numbers(ours), tmp_path / "vgg16.pth", _use_new_zipfile_serialization=False)  # as in 2017
    model = empty()
    load_weights(model, f"oxford:{tmp_path / 'vgg16.pth'}")
    blue_green_red = pixels[:, [2, 1, 0]].float() - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
    assert torch.allclose(preprocess(model, pixels), blue_green_red)
    assert torch.equal(logits(model), logits(ours))


def keras_file(path, model, *, nested=False, whole_model=False):
    """HDF5 as Keras lays it out: kernels (h, w, in, out), maps flattened h, w, C; arrays named in two ways."""
    h5py = pytest.importorskip("h5py")
    fc = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole_model else file
        root.create_group("block1_pool")
        for name, layer in model.weight_layers.items():
            theirs = fc.get(name) or f"block{name[4]}_conv{name[6]}"
            kernel = layer.weight.detach()
            if kernel.ndim == 4:
                kernel = kernel.permute(2, 3, 1, 0)
            elif name == "fc6":
                kernel = kernel.view(12, -1, 2, 2).permute(2, 3, 1, 0).reshape(-1, 12)
            else:
                kernel = kernel.T
            group = root.create_group(theirs)
            weight, bias = ("kernel:0", "bias:0") if nested else (f"{theirs}_W_1:0", f"{theirs}_b_1:0")
            inner = group.create_group(theirs) if nested else group
            inner[weight], inner[bias] = kernel.numpy(), layer.bias.detach().numpy()


def keras_logits(path, images):
    """A plain network in Keras' own layout: channels last, maps flattened as h, w, C."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path) as file:

        def numbers(name):
            return (torch.from_numpy(file[name][f"{name}_{part}_1:0"][()]) for part in "Wb")

        x = images
        for block, convolutions in enumerate((2, 2, 3, 3, 3), start=1):
            for place in range(1, convolutions + 1):
                kernel, bias = numbers(f"block{block}_conv{place}")
                x = F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1).relu()
            x = F.max_pool2d(x, 2)
        x = x.permute(0, 2, 3, 1).flatten(1)
        for name in ("fc1", "fc2"):
            kernel, bias = numbers(name)
            x = (x @ kernel + bias).relu()
        kernel, bias = numbers("predictions")
        return x @ kernel + bias  # fmt: skip


@pytest.mark.parametrize("layout", [{}, {"nested": True}, {"nested": True, "whole_model": True}], ids=str)
def test_the_oxford_nets_as_files_of_keras(tmp_path, layout):
    path = tmp_path / "vgg16.h5"
    ours = network()
    keras_file(path, ours, **layout)
    model = empty()
    load_weights(model, f"keras:{path}")
    assert torch.equal(logits(model), logits(ours))
    assert model.preprocessing == CAFFE
    if not layout:
        images = torch.randn(2, 3, 64, 64)
        assert torch.allclose(logits(model, images), keras_logits(path, images), atol=1e-4)


def test_an_hdf5_file_by_itself_is_keras(tmp_path):
    keras_file(tmp_path / "vgg16.h5", network())
    model = empty()
    load_weights(model, tmp_path / "vgg16.h5")
    assert torch.equal(logits(model), logits(network()))


def test_our_own_checkpoints(tmp_path):
    ours = network()
    ours.preprocessing = Preprocessing(mean=(1.0, 2.0, 3.0), order="BGR")
    path = save_checkpoint(tmp_path / "d.safetensors", ours, classes=[f"c{i}" for i in range(9)])
    for model in (vgg("D", **NARROW, weights=path).eval(), find_network(str(path))):
        assert torch.equal(logits(model), logits(ours))
        assert model.preprocessing == ours.preprocessing and model.classes[0] == "c0"


def test_preprocessing_of_the_sources():
    assert (SOURCES["torchvision"].preprocessing, SOURCES["keras"].preprocessing) == (TORCHVISION, CAFFE)
    assert CAFFE.order == "BGR" and CAFFE.mean == Preprocessing().mean[::-1]


def test_torchvisions_urls_are_torchvisions():
    for config, file in SOURCES["torchvision"].files.items():
        layers = find_config(config).weight_layers
        url = torchvision.models.get_weight(f"VGG{layers}_Weights.IMAGENET1K_V1").url
        assert file.url == url and file.checksum.partition(":")[2] in url


def fetched(monkeypatch, tmp_path, state):
    """Let `fetch` find a file instead of the network; the calls are returned."""
    calls = []

    def fetch(url, path, checksum):
        calls.append((url, checksum))
        torch.save(state, tmp_path / "fetched.pth")
        return tmp_path / "fetched.pth"

    monkeypatch.setattr(weights, "fetch", fetch)
    return calls


def test_torchvisions_enums_and_their_names(monkeypatch, tmp_path):
    enum = torchvision.models.VGG16_Weights.IMAGENET1K_V1
    ours = network()
    for name in (enum, str(enum), "torchvision"):
        calls = fetched(monkeypatch, tmp_path, ours.state_dict())
        model = empty()
        load_weights(model, name)
        assert calls == [(enum.url, "sha256:397923af")]
        assert torch.equal(logits(model), logits(ours))
        assert model.preprocessing == TORCHVISION


def test_torchvisions_features_hold_no_classifier(monkeypatch, tmp_path):
    state = network().state_dict()
    fetched(monkeypatch, tmp_path, state | {"classifier.0.weight": state["classifier.0.weight"] * float("nan")})
    with pytest.raises(WeightsError, match=r"classifier\.0\.weight holds numbers that are not finite"):
        load_weights(empty(), "VGG16_Weights.IMAGENET1K_FEATURES")


@pytest.mark.fault("T36")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("torchvison", "did you mean torchvision"),
        ("VGG16_Weights.IMAGENET1K_V7", "torchvision has no weights"),
        ("VGG19_Weights.IMAGENET1K_V1", "weights of VGG19, not of configuration D"),
        ("VGG16_BN_Weights.IMAGENET1K_V1", "weights of VGG16_BN, not of configuration D"),
    ],
)
def test_unknown_weights(name, reason):
    with pytest.raises(WeightsError, match=reason):
        load_weights(empty(), name)


def test_configurations_that_nobody_published():
    with pytest.raises(WeightsError, match="oxford has no weights of C; it has D, E"):
        load_weights(empty("C"), "oxford")


@pytest.mark.fault("T27")
def test_without_a_network_the_url_and_the_place_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("vggstudy.archives.urlopen", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(DataError, match=r"vgg16-00b39a1b\.pth.*no network.*put the file at") as error:
        load_weights(empty(), "oxford")
    assert "\n" not in str(error.value)


class Evil:
    def __reduce__(self):
        return (open, ("/tmp/vggstudy-test-was-here", "w"))


def damaged(kind, path):
    if kind == "missing":
        return
    torch.save(network().state_dict(), path)
    whole = path.read_bytes()
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "half":
            path.write_bytes(whole[: len(whole) // 2])
        case "html":
            path.write_text("<!DOCTYPE html><title>404</title>")
        case "text":
            path.write_text("weights, please")
        case "pickle":
            path.write_bytes(pickle.dumps({"features.0.weight": Evil()}))
        case "evil zip":
            torch.save({"features.0.weight": Evil()}, path)
        case "list":
            torch.save([1, 2], path)
        case "zip":
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("a.txt", "b")


KINDS = ("missing", "empty", "half", "html", "text", "pickle", "evil zip", "list", "zip")


@pytest.mark.fault("T07", "T08")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", ["oxford", "keras"])
def test_damaged_and_malicious_files(kind, source, tmp_path):
    """One line that names the file and never advises `weights_only=False`; nothing in the file is run."""
    path = tmp_path / "w.pth"
    damaged(kind, path)
    with pytest.raises(WeightsError, match=r"w\.pth") as error:
        load_weights(empty(), f"{source}:{path}")
    assert "\n" not in str(error.value) and "weights_only" not in str(error.value)
    assert not __import__("os").path.exists("/tmp/vggstudy-test-was-here")


@pytest.mark.parametrize("change", ["width", "classes", "config", "missing", "extra"])
def test_weights_that_do_not_fit(change, tmp_path):
    state = network().state_dict()
    model = empty()
    match change:
        case "width":
            model = network(width=1 / 16)
        case "classes":
            model = network(num_classes=10)
        case "config":
            model = empty("E")
        case "missing":
            del state["features.0.bias"]
        case "extra":
            state["features.99.bias"] = torch.zeros(1)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"w\.pth does not fit"):
        load_weights(model, f"oxford:{tmp_path / 'w.pth'}")


def test_a_file_whose_owner_is_not_said(tmp_path):
    torch.save(network().state_dict(), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="say whose weights these are"):
        load_weights(empty(), tmp_path / "w.pth")


def test_shipped_nets_go_by_their_name():
    assert find_network("A-S72").spec["config"] == "A"


@pytest.mark.parametrize("name", ["D", "vgg16"])
def test_a_folder_does_not_hide_the_configuration_of_its_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "vgg", lambda config, num_classes, weights: vgg(config, **NARROW, weights=weights))
    save_checkpoint("ours.safetensors", network())
    (tmp_path / name).mkdir()
    save_checkpoint(tmp_path / name / "step-00000001.safetensors", network("A"))
    assert find_network(name, "ours.safetensors").config.name == "D"
    with pytest.raises(WeightsError, match=rf"configuration D needs weights: .*; what is called so here is \./{name}$"):
        find_network(name)
    for place in (f"./{name}", f"{name}/", str(tmp_path / name)):
        assert find_network(place).config.name == "A"


def test_a_path_that_leads_nowhere_is_not_called_a_configuration():
    with pytest.raises(WeightsError, match=r"runs/small13: there is no such checkpoint or run directory"):
        find_network("runs/small13")


def test_a_long_stack_with_a_dot_is_no_path():
    stack = " ".join(["conv3-64 LRN(k=1.5)"] * 20)
    with pytest.raises(WeightsError, match="needs weights"):
        find_network(stack)


def test_networks_that_a_command_line_names(tmp_path):
    path = save_checkpoint(tmp_path / "d.safetensors", network())
    for arguments, reason in (
        (("D",), "configuration D needs weights"),
        ((str(path), "oxford"), "has weights of its own"),
        ((str(tmp_path / "x.safetensors"),), r"x\.safetensors"),
        (("vgg17",), "unknown configuration"),
    ):
        with pytest.raises(StudyError, match=reason):
            find_network(*arguments)
