"""What the glue has in common: images from disk, noise, and a grid of trials in an Optuna study on SQLite."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from glue.task import Task

TRACKING = "sqlite:///mlflow.db"
PARTS = ("train", "val", "test")
Arrays = dict[str, tuple[np.ndarray, np.ndarray]]
"""part → images uint8 [N, 3, H, W] and labels int64 [N]."""
Trial = Callable[[dict[str, Any]], tuple[float, float]]
"""Does a point of the grid; returns its accuracy in validation and in test."""


def save_images(folder: Path, parts: Arrays) -> None:
    folder.mkdir()
    for name, (images, labels) in parts.items():
        np.save(folder / f"{name}_images.npy", images)
        np.save(folder / f"{name}_labels.npy", labels)


def load_images(folder: Path) -> Arrays:
    return {name: (np.load(folder / f"{name}_images.npy"), np.load(folder / f"{name}_labels.npy")) for name in PARTS}


def noisy(parts: Arrays, variance: float, seed: int) -> Arrays:
    """Return the images with Gaussian noise (pixel values in [0, 1]), clipped and kept in 8 bits."""
    if not variance:
        return parts
    draws = np.random.default_rng(seed)
    found = {}
    for name, (images, labels) in parts.items():
        noise = draws.standard_normal(images.shape, dtype=np.float32) * (255 * math.sqrt(variance))
        found[name] = np.clip(np.rint(images + noise), 0, 255).astype(np.uint8), labels
    return found


def sweep(task: Task, trial: Trial) -> list[dict[str, Any]]:
    """Do the whole grid as trials of a study; return each point with its test accuracy."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage="sqlite:///optuna.db", study_name=task.name, direction="maximize")
    for point in task.points:
        study.enqueue_trial(point)
    done = []

    def objective(drawn: optuna.Trial) -> float:
        point = {
            "network": drawn.suggest_categorical("network", list(task.networks)),
            "noise": drawn.suggest_categorical("noise", list(task.noises)),
            "seed": drawn.suggest_int("seed", 0, task.seeds - 1),
        }
        val, test = trial(point)
        done.append({**point, "test": test})
        return val

    study.optimize(objective, n_trials=len(task.points))
    return done
