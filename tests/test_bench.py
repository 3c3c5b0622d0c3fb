"""The benchmarks: the harness is fair and honest, rivals compute the same, and ratios keep their floors."""

import json
import subprocess
from contextlib import contextmanager
from math import isfinite

import numpy as np
import pytest
import torch
from PIL import Image

from vggstudy.__main__ import main
from vggstudy.bench import ROWS, forward, harness, pages
from vggstudy.bench import machine as bench_machine
from vggstudy.bench.curves import CURVES, Curve
from vggstudy.bench.evaluation import best_batch, naive_multi_crop
from vggstudy.bench.harness import Contest, NotEqual, Rival, alternate, contests, hold, relative_difference
from vggstudy.bench.memory import peak_bytes, train_twice
from vggstudy.bench.photographs import write_photographs
from vggstudy.bench.records import Comparison, Goal, Measurement, Row, Setting, Spread, row_record
from vggstudy.bench.references import ReferenceLoop, evaluation_images, training_images
from vggstudy.bench.results import curves_table, load_results, rows_table, store_results
from vggstudy.bench.rivals import convolutional_head, plan, timm_vgg, torchvision_vgg
from vggstudy.bench.suite import find_row
from vggstudy.bench.training import updates_differ
from vggstudy.budget import training_bytes
from vggstudy.errors import ConfigError, DataError
from vggstudy.model import score_map, vgg
from vggstudy.views import multi_crop

QUICK = Setting(quick=True)
SPREAD = Spread(1.0, 1.0, 1.0)


class Clock:
    """Time that passes only when a contestant runs."""

    def __init__(self, monkeypatch):
        self.now, self.log = 0.0, []
        monkeypatch.setattr(harness, "perf_counter", lambda: self.now)

    def takes(self, name, *seconds):
        durations = iter(seconds)
        last = [seconds[-1]]

        def run():
            last[0] = next(durations, last[0])
            self.now += last[0]
            self.log.append(name)

        return run


def contest(clock, ours=1.0, theirs=2.0, difference=0.0, **more):
    return Contest(
        "a job", clock.takes("ours", ours), {"rival": Rival(clock.takes("rival", theirs), Goal(1.5, 3.0, 1.0))},
        lambda: difference, **more,
    )  # fmt: skip


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(monkeypatch)

    @contextmanager
    def probe(setting):
        yield clock.takes("matmul", 0.5), 100

    monkeypatch.setattr(harness, "matmul_probe", probe)
    return clock


def test_rounds_alternate_and_each_begins_in_turn(clock):
    runs = {name: clock.takes(name, 1.0) for name in "abc"}
    seconds = alternate(runs, Setting(rounds=5))
    warm_up, rounds = clock.log[:3], clock.log[3:]
    assert warm_up == list("abc")
    assert ["".join(rounds[i : i + 3]) for i in range(0, 15, 3)] == ["abc", "bca", "cab", "abc", "bca"]
    assert all(values == [1.0] * 5 for values in seconds.values())


def test_short_jobs_are_repeated_within_a_round(clock):
    seconds = alternate({"short": clock.takes("short", 0.01), "long": clock.takes("long", 1.0)}, Setting(rounds=5))
    assert clock.log.count("short") == 2 + 5 * 20 and clock.log.count("long") == 1 + 5
    assert seconds["short"] == pytest.approx([0.01] * 5)


def test_a_contest_gives_ratio_and_share_of_the_probe(clock):
    found = hold(contest(clock, macs=40), Setting(rounds=5))
    assert found.comparisons == (Comparison("rival", Spread(2.0, 2.0, 2.0), 1.5),)
    assert found.matmul_share.median == pytest.approx((40 / 1.0) / (100 / 0.5))
    assert found.seconds["ours"].median == 1.0 and not found.noisy


def test_a_ratio_is_taken_within_a_round(clock):
    """The machine is half as fast in two of five rounds: both lose, the ratio stays."""
    slow = [1.0, 1.0, 2.0, 1.0, 2.0, 1.0]
    rival = Rival(clock.takes("rival", *[3 * seconds for seconds in slow]))
    runs = Contest("a job", clock.takes("ours", *slow), {"rival": rival}, float)
    assert hold(runs, Setting(rounds=5)).comparisons[0].ratio == Spread(3.0, 3.0, 3.0)


def test_a_larger_job_of_the_rival_is_scaled(clock):
    runs = Contest("a job", clock.takes("ours", 1.0), {"rival": Rival(clock.takes("rival", 8.0), scale=1 / 4)}, float)
    assert hold(runs, Setting()).comparisons[0].ratio.median == 2.0


@pytest.mark.parametrize("difference", [0.1, float("nan")])
def test_nothing_is_timed_before_results_are_equal(clock, difference):
    with pytest.raises(NotEqual, match="a job"):
        hold(contest(clock, difference=difference), Setting())
    assert clock.log == []


def test_a_probe_that_varies_makes_a_row_noisy(monkeypatch, clock):
    @contextmanager
    def unsteady(setting):
        yield clock.takes("matmul", 0.5, 0.5, 0.5, 0.7), 100

    monkeypatch.setattr(harness, "matmul_probe", unsteady)
    found = hold(contest(clock), Setting())
    assert found.probe_spread == pytest.approx(1.4) and found.noisy
    assert row_record(Row("x", "", None), [found])["noisy"]


def test_goals_differ_by_device_and_by_quickness():
    goal = Goal(1.5, 3.0, 1.0)
    assert [goal.on(setting) for setting in (Setting(), Setting("cuda"), QUICK)] == [1.5, 3.0, 1.0]


def test_a_row_is_as_good_as_its_tightest_comparison():
    found = (("wide", 9, 3), ("tight", 1, 2), ("free", 0.1, None))
    wide, tight, free = (Comparison(name, Spread.of([ratio]), goal) for name, ratio, goal in found)
    record = row_record(Row("x", "claim", None), [Measurement("a", (wide, free)), Measurement("b", (tight,))])
    assert (record["against"], record["ratio"], record["goal"], record["verdict"]) == ("tight", 1, 2, "missed")
    json.dumps(record)


def test_a_row_without_any_rival_is_skipped():
    record = row_record(Row("x", "claim", None), [Measurement("a", (), skipped={"rival": "not installed"})])
    assert record["verdict"] == "skipped" and record["ratio"] is None


def test_each_row_is_found_under_its_name():
    for name in ROWS:
        assert find_row(name).name == name
    with pytest.raises(ConfigError, match="did you mean forward"):
        find_row("foward")


# Rivals


@pytest.fixture(scope="module")
def narrow():
    torch.manual_seed(0)
    return vgg("D", num_classes=10, width=1 / 16, crop_size=64).eval()


@pytest.mark.parametrize("build", [torchvision_vgg, timm_vgg])
@torch.inference_mode()
def test_rivals_compute_the_same(build):
    if build is timm_vgg:
        pytest.importorskip("timm")
    torch.manual_seed(0)
    model = vgg("A", num_classes=10, width=1 / 32).eval()
    images = torch.randn(2, 3, 224, 224)
    assert relative_difference(model(images), build(model).eval()(images)) < 1e-5


def test_rivals_do_not_share_our_weights(narrow):
    rival = torchvision_vgg(narrow)
    assert rival.features[0].weight.data_ptr() != narrow.features[0].weight.data_ptr()
    assert rival.features[2].weight.is_contiguous()  # as torchvision lays it out, not channels last


def test_a_configuration_with_1x1_layers_has_no_rival():
    with pytest.raises(ValueError, match="conv1-256"):
        plan(vgg("C", width=1 / 32, fc_width=8, num_classes=2))


@torch.inference_mode()
def test_the_convolutional_head_is_ours(narrow):
    images = torch.randn(1, 3, 160, 96)
    assert relative_difference(score_map(narrow, images), convolutional_head(narrow)(narrow.features(images))) < 1e-5


def test_a_rival_that_is_not_installed_is_said_to_be_skipped(monkeypatch):
    def missing(model):
        raise ImportError("No module named 'timm'")

    monkeypatch.setattr(forward, "RIVALS", {"timm": missing})
    monkeypatch.setattr(forward, "network", lambda setting: vgg("A", num_classes=2, width=1 / 32, fc_width=8).eval())
    prepare = forward.pass_contest(forward.eager, {}, Goal(None), "others eager")
    (found,) = contests(prepare)(Setting(quick=True, rounds=1))
    assert found.skipped == {"timm": "not installed (No module named 'timm')"} and not found.comparisons
    assert "timm: skipped, not installed" in rows_table([row_record(forward.forward, [found])])


@torch.inference_mode()
def test_naive_crops_equal_shared_interiors(narrow):
    images = torch.randn(1, 3, 96, 128)
    naive = naive_multi_crop(narrow, images, batch=7)
    assert relative_difference(multi_crop(narrow, images), naive) < 1e-5
    assert best_batch(narrow, images, QUICK) in (1, 5, 25)


def test_the_references_make_the_same_update():
    from vggstudy.augment import Batch
    from vggstudy.bench.training import REGIME, regime
    from vggstudy.distributed import place
    from vggstudy.learner import Learner

    torch.manual_seed(0)
    model = vgg("A", num_classes=10, width=1 / 16, crop_size=32, fc_width=16)
    rival = ReferenceLoop(torchvision_vgg(model), "cpu", REGIME["lr"], REGIME["weight_decay"])
    batch = Batch(torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8), torch.zeros(4, 3), torch.arange(4))
    config = regime(Setting(), batch_size=4)
    with place(config) as here:
        learner = Learner(model, config, here)
        assert updates_differ(learner, rival, batch, model.preprocessing(batch.images)) < 1e-3
        assert [layer.p for layer in rival.net.classifier if isinstance(layer, torch.nn.Dropout)] == [0.5, 0.5]
        assert updates_differ(learner, rival, batch, model.preprocessing(batch.images) + 1) > 1e-2


def test_photographs_weigh_what_imagenets_do(tmp_path):
    folder = write_photographs(tmp_path / "set", classes=2, per_class=2)
    files = sorted(folder.glob("*/*.jpg"))
    with Image.open(files[0]) as photograph:
        assert len(files) == 4 and photograph.size == (500, 375)
    assert 90_000 < np.mean([file.stat().st_size for file in files]) < 130_000
    image, label = training_images(folder, 224)[3]
    assert image.shape == (3, 224, 224) and label == 1
    assert evaluation_images(folder, 256, 224)[0][0].shape == (3, 224, 224)


# Memory and curves


@pytest.mark.parametrize(("config", "side"), [("D", 64), ("A", 96)])
def test_memory_is_what_the_formula_says(config, side):
    net = {"width": 1 / 8, "fc_width": 64, "crop_size": side}
    peak = peak_bytes(lambda: train_twice(Setting(), config, 4, net), "cpu")
    assert peak == pytest.approx(training_bytes(config, 4, **net), rel=0.1)


def curve(points):
    return Curve("c", "x", "y", 2, {x: Spread(y, y, y) for x, y in points.items()})


def test_a_curve_has_its_exponent():
    assert curve({x: 5 * x**1.7 for x in (1, 2, 4, 8)}).exponent == pytest.approx(1.7)


def test_a_cliff_is_a_step_in_the_cost_of_a_unit():
    smooth = curve({1: 1, 2: 4, 4: 16})
    broken = curve({1: 1, 2: 4, 4: 24, 8: 96})
    assert smooth.cliffs == []
    assert broken.cliffs == [{"from": 2, "to": 4, "factor": 1.5}]
    assert "x1.50 at 4" in curves_table([broken.record()])


# Results and the command


def record(name, ratio=1.0):
    return {**row_record(Row(name, "claim", None), [Measurement("j", (Comparison("r", Spread.of([ratio]), 2.0),))])}


def test_results_are_replaced_by_name_and_kept_in_order(tmp_path):
    path = tmp_path / "results" / "cpu.json"
    store_results(path, {"rows": [record("loader"), record("forward", 1.0)]})
    store_results(path, {"rows": [record("forward", 3.0)], "curves": [curve({1: 1, 2: 4}).record()]})
    stored = load_results(path)
    assert [(row["row"], row["ratio"]) for row in stored["rows"]] == [("forward", 3.0), ("loader", 1.0)]
    assert [entry["curve"] for entry in stored["curves"]] == ["c"]
    assert list(path.parent.iterdir()) == [path]


def test_a_row_of_an_older_version_is_kept(tmp_path):
    store_results(tmp_path / "cpu.json", {"rows": [record("gone")]})
    store_results(tmp_path / "cpu.json", {"rows": [record("forward")]})
    assert [row["row"] for row in load_results(tmp_path / "cpu.json")["rows"]] == ["forward", "gone"]


@pytest.mark.parametrize(("returncode", "told"), [(0, "0123456789ab"), (1, "0123456789ab+")])
def test_a_figure_says_whether_it_is_of_the_commit_or_of_more(monkeypatch, returncode, told):
    def git(words, **_):
        return subprocess.CompletedProcess(words, 0 if "rev-parse" in words else returncode, "0123456789ab\n")

    monkeypatch.setattr(bench_machine.subprocess, "run", git)
    assert bench_machine.commit() == told


def test_outside_of_a_checkout_or_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setattr(bench_machine.subprocess, "run", lambda words, **_: subprocess.CompletedProcess(words, 128, ""))
    assert bench_machine.commit() is None
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "/no/such/folder")
    assert bench_machine.commit() is None


def test_results_that_are_none_are_said_to_be(tmp_path):
    with pytest.raises(DataError, match="vggstudy bench --store"):
        load_results(tmp_path / "none.json")
    (tmp_path / "odd.json").write_text('{"rows": 3}')
    with pytest.raises(DataError, match="no file of results"):
        load_results(tmp_path / "odd.json")


def test_the_command_prints_json_and_nothing_else(monkeypatch, capsys):
    def measure(rows, setting):
        setting.say("working")
        return [record(row.name) for row in rows]

    monkeypatch.setattr("vggstudy.bench.suite.measure", measure)
    assert main(["bench", "--quick", "--row", "memory", "--device", "cpu", "--threads", "1", "--json"]) == 0
    printed = capsys.readouterr()
    (row,) = json.loads(printed.out)["rows"]
    assert {"row", "ratio", "goal", "verdict", "machine", "command"} <= set(row)
    assert row["command"] == "vggstudy bench --device cpu --quick --row memory --threads 1"
    assert {"device", "threads", "versions", "commit"} <= set(row["machine"]) and row["machine"]["versions"]["torch"]
    assert printed.err == "working\n"


def test_a_row_that_is_not_known_is_one_line(capsys):
    assert main(["bench", "--row", "fast"]) == 2
    assert capsys.readouterr().err.startswith("vggstudy: error: unknown row 'fast'")


def test_curves_of_a_row_are_not_measured_silently_for_all(capsys):
    assert main(["bench", "--curves", "--row", "loader"]) == 2
    assert "leave --curves or --row loader out" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ROWS if name not in ("widgets", "book")])
def test_floors_at_narrow_width(name):
    """Ratios with slack, for machines that do other things too; a row that misses its floor has two more tries."""
    row = find_row(name)
    for _ in range(3):
        found = row_record(row, row.measure(QUICK))
        if found["verdict"] == "met":
            return
    pytest.fail(f"{name}: {found['ratio']:.2f} against {found['against']}, the floor is {found['goal']}")


@pytest.mark.slow
@pytest.mark.parametrize("make", CURVES)
def test_curves_are_measured(make):
    found = make(Setting(quick=True, rounds=1)).record()
    assert isfinite(found["exponent"]) and len(found["points"]) >= 3
    json.dumps(found)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", ["forward", "train_step", "dense_head", "multi_crop", "memory"])
def test_rows_run_on_a_gpu(name):
    row = find_row(name)
    assert row_record(row, row.measure(Setting("cuda", quick=True)))["ratio"] > 0


def test_a_chapter_that_fails_is_told_in_one_line():
    with pytest.raises(ConfigError, match=r"python -m no_such_module fails: mend that first"):
        pages.seconds_of(["no_such_module"])
    assert pages.seconds_of(["this"]) > 0
