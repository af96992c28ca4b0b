"""Weights from files and from timm's hub: where they lie, whether they fit, and their digests."""

import hashlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import nn

from bench import config
from bench.errors import BenchError

# timm looks for these names in a hub repository, in this order.
HUB_FILES = ("model.safetensors", "pytorch_model.bin")
REACH_SECONDS = 10.0


def unavailable(model: config.Model) -> str | None:
    """Return why the weights of `model` cannot be had on this machine now, or None. Touches no network."""
    if model.weights:
        return None if _path(model.weights).is_file() else f"weights file {model.weights} is missing"
    if not model.pretrained:
        return None
    try:
        found = hub_file(model.name)
    except BenchError as error:
        return error.message
    return None if found else f"pretrained weights of {model.name} are not in the local hub cache"


def weights_digest(model: config.Model) -> str:
    """Return the SHA-256 of the file that `model` starts from; "" without weights, or where they cannot be had."""
    if unavailable(model) or not (model.weights or model.pretrained):
        return ""
    path = _path(model.weights) if model.weights else hub_file(model.name)
    facts = path.stat()
    return _sha256(path, facts.st_size, facts.st_mtime_ns)


def fetch(model: config.Model) -> None:
    """Download the hub's weights of `model` into the local cache, where they are not there yet.

    Raises BenchError where the hub publishes none, cannot be reached within 10 s, or breaks off.
    """
    if not model.pretrained or hub_file(model.name):
        return
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    from huggingface_hub.utils import get_session

    published = _published(model.name)
    mend = "check the connection, or give a local file: `weights: FILE` instead of `pretrained: true`"
    try:
        if not published.hf_hub_id:
            torch.hub.download_url_to_file(published.url, str(_url_file(published.url)), progress=False)
            return
        # The hub's client retries for half a minute before it gives up; one plain request says at once.
        get_session().head(constants.ENDPOINT, timeout=REACH_SECONDS)
        repository, _, revision = published.hf_hub_id.partition("@")
        for name in _hub_names(published):
            try:
                hf_hub_download(repository, name, revision=revision or None, etag_timeout=REACH_SECONDS)
                return
            except EntryNotFoundError as error:
                if isinstance(error, LocalEntryNotFoundError):  # not "no such file" but "no connection"
                    raise
    except Exception as error:  # the client's network errors share no base class across its versions
        raise BenchError(f"cannot download the weights of {model.name}: {first_line(error)}", mend=mend) from error
    raise BenchError(f"the hub's repository {published.hf_hub_id} holds no weights file", mend=mend)


def hub_file(name: str) -> Path | None:
    """Return the file of timm model `name`'s published weights in the local cache, or None. Touches no network.

    Raises BenchError where no weights are published under this name.
    """
    from huggingface_hub import try_to_load_from_cache

    published = _published(name)
    if not published.hf_hub_id:
        path = _url_file(published.url)
        return path if path.is_file() else None
    repository, _, revision = published.hf_hub_id.partition("@")
    for filename in _hub_names(published):
        found = try_to_load_from_cache(repository, filename, revision=revision or None)
        if isinstance(found, str):  # otherwise None, or a marker for "known not to exist"
            return Path(found)
    return None


def overlay(name: str) -> dict:
    """Return the entries of timm's pretrained_cfg that make it load `name`'s weights from the local cache."""
    path = hub_file(name)
    if _published(name).custom_load:
        return {"file": str(path), "custom_load": True}
    return {"state_dict": read(path)}


def read(path: str | Path) -> dict[str, torch.Tensor]:
    """Read a state dict from a .safetensors file or, with weights_only=True, from a .pth file.

    A checkpoint that holds the state dict under "state_dict" or "model" is unwrapped. Raises BenchError for a file that
    is missing, damaged, unsafe, or something else.
    """
    path = _path(path)
    if not path.is_file():
        raise BenchError("no such weights file", where=str(path), mend="check the path under `model.weights`")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail in any way: unpickling, zip, header, end of file
        raise BenchError(
            f"cannot be read as weights: {first_line(error)}",
            where=str(path),
            mend="give an undamaged .safetensors file, or a .pth file that holds only tensors",
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise BenchError("holds no state dict (names with tensors)", where=str(path), mend="save model.state_dict()")
    return state


def fit(network: nn.Module, path: str | Path) -> dict[str, torch.Tensor]:
    """Read a file of weights and return what of it `network` loads. `network` may live on the meta device.

    The last layer's weights are left out where the network has another number of classes, or another head. Any other
    difference in names or shapes raises BenchError with the first of them.
    """
    state, own, last = read(path), network.state_dict(), classifier_names(network)
    for name in last:
        keys = [key for key in state if key.startswith(f"{name}.")]
        if any(key not in own or own[key].shape != state[key].shape for key in keys):
            state = {key: value for key, value in state.items() if key not in keys}
    prefixes = tuple(f"{name}." for name in last)
    # Converted files often lack the batch norms' step counters, which nothing here uses.
    missing = [
        key for key in own if key not in state and not key.startswith(prefixes) and not key.endswith("num_batches_tracked")
    ]
    unexpected = [key for key in state if key not in own]
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
        for key in state
        if key in own and state[key].shape != own[key].shape
    ]
    problems = [
        f"{kind}: {', '.join(keys[:3])}{f' and {len(keys) - 3} more' if len(keys) > 3 else ''}"
        for kind, keys in (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
        if keys
    ]
    if problems:
        raise BenchError(
            f"the weights do not fit the model; {'; '.join(problems)}",
            where=str(path),
            mend="give the file of the same architecture, or change `model.name` or `model.args`",
        )
    return state


def load(network: nn.Module, path: str | Path) -> None:
    """Load a file of weights into `network`, as `fit` describes."""
    network.load_state_dict(fit(network, path), strict=False)


def classifiers(network: nn.Module) -> tuple[nn.Module, ...]:
    """Return a network's last layers: one, or several for timm's distilled models."""
    last = network.get_classifier()
    return tuple(last) if isinstance(last, (tuple, list, nn.ModuleList)) else (last,)


def classifier_names(network: nn.Module) -> list[str]:
    last = {id(module) for module in classifiers(network)}
    return [name for name, module in network.named_modules() if id(module) in last]


def _published(name: str):
    import timm

    published = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    if published is None or not (published.hf_hub_id or published.url):
        raise BenchError(
            f"no pretrained weights are published for {name}",
            mend="leave out `pretrained: true`, or give a local file: `weights: FILE`",
        )
    return published


def _hub_names(published) -> tuple[str, ...]:
    return (published.hf_hub_filename,) if published.hf_hub_filename else HUB_FILES


def _url_file(url: str) -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / Path(urlparse(url).path).name


def _path(path: str | Path) -> Path:
    return Path(path).expanduser()


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its type's name."""
    return (str(error).strip() or type(error).__name__).split("\n")[0]


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, modified: int) -> str:  # size and modified are there to notice a changed file
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
