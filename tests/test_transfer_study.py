"""The recorded runs on transfer (`vggstudy.transfer_study`): what they are made of, and that they can be made again."""

from __future__ import annotations

import json

import pytest
import torch

from vggstudy.errors import ConfigError
from vggstudy.nets import RESULTS, load_net
from vggstudy.transfer_study import NET, SOURCE, Plan, measure, untrained


def test_source_and_target_share_no_garment_and_no_photograph():
    plan = Plan()
    source, target = plan.garments(SOURCE), plan.target("five")
    assert set(source.classes) | set(target.classes) == set(plan.target("ten").classes)
    assert not set(source.classes) & set(target.classes)
    for split in ("train", "val", "test"):
        seen, new = (getattr(data, split) for data in (source, target))
        assert not {seen.path(i) for i in range(len(seen))} & {new.path(i) for i in range(len(new))}
        assert torch.equal(new.labels.bincount(), torch.full((5,), len(new) // 5))


def test_labels_are_counted_in_the_order_of_the_names():
    data = Plan().garments(("Bag", "Trouser"))
    whole = Plan().target("ten")
    image, label = data.test[0]
    number = int(data.test.path(0).rpartition("/")[2])
    assert data.classes[label] == whole.classes[whole.test.labels[number]]
    assert torch.equal(image, whole.test[number][0])


def test_random_weights_are_fed_as_the_trained_ones():
    net = load_net(NET)
    other = untrained(net, 0)
    assert other.spec == net.spec and other.preprocessing == net.preprocessing and not other.training
    assert not torch.equal(other.layer("fc7").weight, net.layer("fc7").weight)


def test_what_is_stored_is_what_the_plan_says():
    stored = json.loads((RESULTS / "transfer.json").read_text(encoding="utf-8"))
    plan = Plan()
    assert set(stored["runs"]) == set(plan.parts()) and stored["near_epochs"] == plan.epochs
    for part, records in stored["runs"].items():
        sizes = plan.sizes if part.startswith("ten") else plan.near_sizes
        assert {record["n"] for record in records} == set(sizes)
        assert {record["draw"] for record in records} == set(range(plan.draws))


def test_an_unknown_part_gets_the_close_matches(tmp_path):
    with pytest.raises(ConfigError, match="did you mean ten/pixels/0"):
        measure(Plan.quick(tmp_path), ["ten/pixel/0"])


@pytest.mark.slow
def test_a_part_of_everything_and_going_on_where_it_stopped(tmp_path, capsys):
    plan = Plan.quick(tmp_path)
    measure(plan, ["five/pixels/0"])
    assert "missing: ten/pixels/0" in capsys.readouterr().out and not (tmp_path / "transfer.json").exists()
    measure(plan)
    assert "five/pixels/0:" not in capsys.readouterr().out
    stored = json.loads((tmp_path / "transfer.json").read_text(encoding="utf-8"))
    assert set(stored["runs"]) == set(plan.parts())
