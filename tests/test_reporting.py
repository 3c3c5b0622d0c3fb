"""What `vggstudy train` says at the end of a run, which must be true of that run."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
from tiny import TINY, tiny_data, tiny_net

from vggstudy.commands.reporting import ending
from vggstudy.regime import TrainConfig
from vggstudy.signals import StopRequest
from vggstudy.train import train

PLATEAU = replace(TINY, schedule="plateau", patience=1, drops=0, lr=1e-9)  # so small a rate improves nothing


def goes_on(out, config: TrainConfig) -> bool:
    return any(train(tiny_net(), tiny_data(), config, out=out, resume=True))


@pytest.mark.fault("T10")
@pytest.mark.parametrize("epochs", [9, 2])
def test_a_run_that_ended_on_a_plateau_is_not_said_to_go_on(tmp_path, epochs):
    """Nor one whose plateau came with its last epoch."""
    config = replace(PLATEAU, epochs=epochs)
    steps = list(train(tiny_net(), tiny_data(), config, out=tmp_path / "a"))
    assert steps[-1].epoch == 2
    said = ending(None, tmp_path / "a", lambda: False)
    assert "is finished, nothing changed: its validation error stopped improving, so --epochs does not go on" in said
    assert f"--init-from {tmp_path / 'a'} and another --out" in said and "\n" not in said
    assert not goes_on(tmp_path / "a", replace(config, epochs=20))


@pytest.mark.fault("T10")
@pytest.mark.parametrize(
    "config", [replace(PLATEAU, epochs=1), replace(TINY, schedule="steps", epochs=1)], ids=["plateau", "steps"]
)
def test_a_run_that_ended_with_its_epochs_is_said_to_go_on(tmp_path, config):
    list(train(tiny_net(), tiny_data(), config, out=tmp_path / "a"))
    said = ending(None, tmp_path / "a", lambda: False)
    assert said == f"{tmp_path / 'a'} is finished, nothing changed; a longer schedule (--epochs) goes on with it"
    assert goes_on(tmp_path / "a", replace(config, epochs=2))


@pytest.mark.fault("T04")
def test_a_run_that_is_stopped_before_it_goes_on_stands_where_it_stood(tmp_path):
    list(train(tiny_net(), tiny_data(), replace(TINY, epochs=1), out=tmp_path / "a"))
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert list(train(tiny_net(), tiny_data(), TINY, out=tmp_path / "a", resume=True, stop=stop)) == []
    assert ending(None, tmp_path / "a", stop).startswith("stopped by SIGTERM at step 6; go on by")
    assert ending(None, tmp_path / "nowhere", stop).startswith("stopped by SIGTERM at step 0; go on by")
