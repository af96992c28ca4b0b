"""Lightning: the loop of a framework, with persistent loader processes and its own logger for MLflow, Optuna around it."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from glue.clock import Clock
from glue.common import TRACKING, load_images, noisy, sweep
from glue.task import Task
from glue.typical_loop import loaders_for

try:
    import lightning.pytorch as pl
    from lightning.pytorch.loggers import MLFlowLogger
    from lightning.pytorch.profilers import Profiler
except ModuleNotFoundError:  # the same under its older name
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import MLFlowLogger
    from pytorch_lightning.profilers import Profiler

STEPS = ("run_training_batch", "validation_step", "test_step")
"""How the names of Lightning's own sections end in which a network runs."""


class Classifier(pl.LightningModule):
    def __init__(self, network: nn.Module, task: Task):
        super().__init__()
        self.network, self.task = network, task

    def _measured(self, part: str, batch: list[torch.Tensor]) -> torch.Tensor:
        inputs, targets = batch
        outputs = self.network(inputs)
        loss = F.cross_entropy(outputs, targets)
        accuracy = (outputs.argmax(1) == targets).float().mean()
        found = {f"{part}/loss": loss, f"{part}/accuracy": accuracy}
        self.log_dict(found, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def training_step(self, batch: list[torch.Tensor], number: int) -> torch.Tensor:
        return self._measured("train", batch)

    def validation_step(self, batch: list[torch.Tensor], number: int) -> None:
        self._measured("val", batch)

    def test_step(self, batch: list[torch.Tensor], number: int) -> None:
        self._measured("test", batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.network.parameters(), lr=self.task.lr, momentum=self.task.momentum)


class Sections(Profiler):
    """Tells our clock of Lightning's own sections."""

    def __init__(self, clock: Clock):
        super().__init__()
        self.clock = clock

    def start(self, action_name: str) -> None:
        if section := _section(action_name):
            self.clock.begin(section)

    def stop(self, action_name: str) -> None:
        if _section(action_name):
            self.clock.end()


def _section(action: str) -> str:
    if action.endswith("_next"):  # waiting for a loader
        return "data"
    return "steps" if action.endswith(STEPS) else ""


def run(task: Task, images: Path, device: str, clock: Clock) -> list[dict[str, Any]]:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    clean = load_images(images)

    def trial(point: dict[str, Any]) -> tuple[float, float]:
        pl.seed_everything(point["seed"], verbose=False)
        with clock("data"):
            loaders = loaders_for(noisy(clean, point["noise"], point["seed"]), task.batch_size, task.loaders, device)
        pictures, labels = clean["train"]
        network = task.build(point["network"], pictures.shape[1:], int(labels.max()) + 1, point["seed"])
        logger = MLFlowLogger(task.name, "{network}, noise {noise}, seed {seed}".format(**point), TRACKING)
        for method in ("log_hyperparams", "log_metrics", "finalize"):
            clock.wrap("tracking", logger, method)
        logger.log_hyperparams(point)
        trainer = pl.Trainer(
            accelerator="gpu" if device == "cuda" else "cpu",
            devices=1,
            precision="bf16-mixed" if device == "cuda" else "32-true",
            benchmark=device == "cuda",
            max_epochs=task.epochs,
            logger=logger,
            profiler=Sections(clock) if clock.on else None,
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        model = Classifier(network, task)
        trainer.fit(model, loaders["train"], loaders["val"])
        val = trainer.callback_metrics["val/accuracy"].item()
        (test,) = trainer.test(model, loaders["test"], verbose=False)
        return val, test["test/accuracy"]

    return sweep(task, trial)
