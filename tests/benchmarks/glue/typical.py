"""Typical glue: a DataLoader and a plain loop for each trial, MLflow's fluent API every epoch, Optuna around it."""

from pathlib import Path
from typing import Any

import mlflow
import torch

from glue.clock import Clock
from glue.common import TRACKING, load_images, noisy, sweep
from glue.task import Task
from glue.typical_loop import evaluate, loaders_for, train_epoch


def run(task: Task, images: Path, device: str, clock: Clock) -> list[dict[str, Any]]:
    clean = load_images(images)
    with clock("tracking"):
        mlflow.set_tracking_uri(TRACKING)
        mlflow.set_experiment(task.name)

    def trial(point: dict[str, Any]) -> tuple[float, float]:
        torch.manual_seed(point["seed"])
        with clock("data"):
            loaders = loaders_for(noisy(clean, point["noise"], point["seed"]), task.batch_size, task.loaders, device)
        pictures, labels = clean["train"]
        network = task.build(point["network"], pictures.shape[1:], int(labels.max()) + 1, point["seed"]).to(device)
        optimizer = torch.optim.SGD(network.parameters(), lr=task.lr, momentum=task.momentum)
        with clock("tracking"):
            mlflow.start_run(run_name="{network}, noise {noise}, seed {seed}".format(**point))
            mlflow.log_params(point)
        for epoch in range(1, task.epochs + 1):
            loss, accuracy = train_epoch(network, loaders["train"], optimizer, device, clock)
            val_loss, val_accuracy = evaluate(network, loaders["val"], device, clock)
            measured = {"train/loss": loss, "train/accuracy": accuracy, "val/loss": val_loss, "val/accuracy": val_accuracy}
            with clock("tracking"):
                mlflow.log_metrics(measured, step=epoch)
        test_loss, test_accuracy = evaluate(network, loaders["test"], device, clock)
        with clock("tracking"):
            mlflow.log_metrics({"test/loss": test_loss, "test/accuracy": test_accuracy})
            mlflow.end_run()
        return val_accuracy, test_accuracy

    return sweep(task, trial)
