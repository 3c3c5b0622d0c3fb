"""Ways to begin, measured side by side: each is what it says, and pre-initialisation copies what the paper copies."""

import pytest
import torch

from vggstudy import vgg
from vggstudy.initialise import COPIED_LAYERS, initialise
from vggstudy.layer_signals import measure_signals
from vggstudy.starts import measure_starts


@pytest.fixture(scope="module")
def net_a():
    return initialise(vgg("A", num_classes=20, width=1 / 8, crop_size=64, fc_width=64), "he", seed=5)


@pytest.fixture(scope="module")
def batch():
    return torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0)), torch.arange(4)


def test_every_method_is_measured_with_its_own_weights(net_a, batch):
    starts = {start.method: start for start in measure_starts("D", net_a, *batch, seed=3)}
    assert list(starts) == ["normal", "glorot", "he", "from A"]
    model = initialise(vgg(**net_a.spec | {"config": "D", "name": None}), "glorot", seed=3)
    signals = measure_signals(model, *batch)
    assert starts["glorot"].layers == tuple(signal.name for signal in signals)
    assert starts["glorot"].activation_std == pytest.approx([signal.activation_std for signal in signals])
    assert starts["glorot"].gradient_std == pytest.approx([signal.gradient_std for signal in signals])


def test_the_layers_of_a_are_copied_and_only_they(net_a, batch):
    start = measure_starts("C", net_a, *batch)[-1]
    assert start.copied == COPIED_LAYERS and start.forecast == ()
    he = next(other for other in measure_starts("C", net_a, *batch) if other.method == "he")
    assert start.activation_std[0] != he.activation_std[0]  # seed 5 against seed 0


def test_a_is_not_started_from_itself(net_a, batch):
    assert [start.method for start in measure_starts("A", net_a, *batch)] == ["normal", "glorot", "he"]


def test_the_forecast_is_in_the_units_of_what_is_measured(net_a, batch):
    images, labels = batch
    for start in measure_starts("B", net_a, 50 * images, labels)[:3]:
        assert 0.5 < start.activation_std[0] / start.forecast[0] < 1.5


def test_the_papers_normal_distribution_explodes_at_the_papers_width_only(net_a, batch):
    normal = measure_starts("E", net_a, *batch)[0]
    assert normal.paper_forecast[-1] > 1e6 and normal.forecast[-1] < 100


def test_a_source_without_pool5_gets_nets_without_it(batch):
    from vggstudy.configs import find_config

    source = vgg(find_config("A").without_last_pool(), 20, width=1 / 8, crop_size=32, fc_width=64)
    starts = measure_starts("D", source, batch[0][..., :32, :32], batch[1])
    assert starts[-1].copied == COPIED_LAYERS  # fc6 would not fit else
