"""The cost model on paper (`vggstudy.budget`): bytes, hours, money."""

from dataclasses import replace

import pytest

from vggstudy.analysis import count_macs, count_parameters
from vggstudy.budget import (
    IMAGENET_IMAGES,
    MACHINES,
    Machine,
    all_reduce_seconds,
    budget,
    implied_link,
    nets_of_the_paper,
    training_bytes,
)
from vggstudy.paper import HARDWARE, REGIME

# A GPU of round numbers: 100 Tflop/s reached, images and network never in the way.
GPU = Machine("round", flops=2e14, share=0.5, link=1e15, dollars=2.0, images_a_core=1e9)


def test_hours_on_one_gpu_are_arithmetic():
    found = budget("D", GPU)
    flops = 2 * 3 * count_macs("D") * IMAGENET_IMAGES * REGIME.epochs
    assert found.hours == pytest.approx(flops / 1e14 / 3600, rel=1e-3)
    assert found.dollars == pytest.approx(2 * found.hours)
    assert found.bound == "compute" and found.speed_up == pytest.approx(1)


def test_a_hundred_times_more_images_take_a_hundred_times_longer():
    assert budget("D", GPU, images=100 * IMAGENET_IMAGES).hours == pytest.approx(100 * budget("D", GPU).hours, rel=1e-3)


def test_a_free_network_scales_perfectly():
    assert budget("E", GPU, gpus=8).speed_up == pytest.approx(8, rel=1e-4)


def test_gradients_that_cannot_hide_slow_the_update_by_what_sticks_out():
    slow = replace(GPU, link=1e9)
    found = budget("D", slow, gpus=64)
    assert found.network == pytest.approx(2 * 63 / 64 * 4 * count_parameters("D") / 1e9)
    assert found.exposed == pytest.approx(found.network - found.compute * 2 / 3)
    assert found.seconds == pytest.approx(found.compute + found.exposed)
    assert found.bound == "network" and found.speed_up < 64


def test_only_the_overlap_hides_on_a_fast_network():
    fast = replace(GPU, link=1e11, overlap=0.9)
    found = budget("D", fast, gpus=4)
    assert found.exposed == pytest.approx(0.1 * found.network)


def test_slow_decoding_sets_the_pace():
    hungry = replace(GPU, cores=4, images_a_core=25.0)
    found = budget("A", hungry)
    assert found.bound == "images" and found.images_per_second == pytest.approx(100)


def test_the_paper_s_speed_up_implies_a_link_of_its_time():
    """3.75x on 4 GPUs in two to three weeks: gigabytes a second, as PCI Express of 2014 gave."""
    slowest, fastest = implied_link(weeks=3), implied_link(weeks=2)
    assert 2e9 < slowest < fastest < 8e9


def test_the_implied_link_gives_back_the_paper_s_speed_up():
    """Round trip: with that link, nothing hidden and two and a half weeks on four GPUs, the model says 3.75."""
    weeks = 2.5
    update = weeks * 7 * 24 * 3600 / (REGIME.epochs * IMAGENET_IMAGES / REGIME.batch_size)
    rate = 2 * 3 * count_macs("D") * REGIME.batch_size / (3.75 * update)  # of one GPU
    titan = replace(GPU, flops=rate, share=1.0, link=implied_link("D", weeks), overlap=0.0)
    assert budget("D", titan, gpus=4).speed_up == pytest.approx(3.75, rel=1e-3)


def test_one_gpu_sends_nothing():
    assert all_reduce_seconds(1e9, 1, 1e9) == 0


def test_training_bytes_are_weights_and_maps():
    one, two = (training_bytes("D", batch) for batch in (1, 2))
    maps = two - one
    assert one - maps == 12 * count_parameters("D")
    # The sum over all layers that CS231n's notes miss (15.24M cells), and 8 bytes a pooled cell for its place.
    pooled = sum(64 * 2 ** min(k, 3) * (112 >> k) ** 2 for k in range(5))
    assert maps == 4 * 15_237_608 + 8 * pooled


def test_mixed_precision_halves_the_maps_but_not_the_places():
    full, mixed = (training_bytes("D", 2, mixed=m) - training_bytes("D", 1, mixed=m) for m in (False, True))
    assert full / 2 < mixed < 0.7 * full
    assert mixed == pytest.approx(42e6, rel=0.05)


def test_the_paper_trained_a_dozen_nets():
    nets = nets_of_the_paper()
    assert len(nets) == len(set(nets)) == 12
    assert ("D", (256, 512)) in nets and ("A", 256) in nets


def test_the_paper_s_machine_takes_the_paper_s_time():
    """Four Titan Blacks, by the model: 3.75x and two to three weeks, for the nets that the paper trained longest."""
    found = budget("D", MACHINES["Titan Black"], gpus=HARDWARE.gpus)
    assert found.speed_up == pytest.approx(HARDWARE.speed_up, abs=0.05)
    assert HARDWARE.weeks[0] < found.hours / (7 * 24) < HARDWARE.weeks[1]


def test_published_rate_of_a_gpu_comes_back():
    """timm's table: VGG-16 trains at 546 images a second on an RTX 3090."""
    assert budget("D", MACHINES["RTX 3090"]).images_per_second == pytest.approx(546, rel=0.02)
