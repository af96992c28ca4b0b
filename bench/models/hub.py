"""Weights before they are read: timm's hub and its local cache, whether they can be had, and their digests."""

from pathlib import Path
from urllib.parse import urlparse

import torch

from bench import config
from bench.errors import BenchError
from bench.models import weights
from bench.paths import file_hash

# timm looks for these names in a hub repository, in this order.
HUB_FILES = ("model.safetensors", "pytorch_model.bin")
REACH_SECONDS = 10.0


def unavailable(model: config.Model) -> str | None:
    """Return why the weights of `model` cannot be had on this machine now, or None. Touches no network.

    What another stage trains counts as there: whoever runs the stages sees to it, and names the file before training.
    """
    if isinstance(model.weights, config.Trained):
        return None
    if model.weights:
        return None if weights.local(model.weights).is_file() else f"weights file {model.weights} is missing"
    if not model.pretrained:
        return None
    try:
        path = hub_file(model.name)
    except BenchError as error:
        return error.message
    return None if path else f"pretrained weights of {model.name} are not in the local hub cache"


def is_published(model: config.Model) -> bool:
    """Whether `model` starts from weights that a hub publishes, and `fetch` can get."""
    if model.weights or not model.pretrained:
        return False
    try:
        return bool(_published(model.name))
    except BenchError:
        return False


def weights_digest(model: config.Model) -> str:
    """Return the SHA-256 of the file that `model` starts from; "" without one, or where it cannot be had."""
    if isinstance(model.weights, config.Trained) or not (model.weights or model.pretrained) or unavailable(model):
        return ""
    path = weights.local(model.weights) if model.weights else hub_file(model.name)
    return file_hash(path)


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
        raise BenchError(f"cannot download the weights of {model.name}: {weights.first_line(error)}", mend=mend) from error
    raise BenchError(f"the hub's repository {published.hf_hub_id} holds no weights file", mend=mend)


def published_bytes(name: str) -> int:
    """Return about how many bytes the published weights of timm model `name` take: those of its parameters and buffers."""
    import timm

    with torch.device("meta"):
        return sum(value.nbytes for value in timm.create_model(name).state_dict().values())


def published_address(name: str) -> str:
    """Return where the weights of timm model `name` are published. Raises BenchError where none are."""
    published = _published(name)
    return str(published.url) if not published.hf_hub_id else f"https://huggingface.co/{published.hf_hub_id}"


def save_published(name: str, path: Path) -> None:
    """Write the published weights of timm model `name` as a file of weights, downloading them unless they are in the local cache.

    path: ends with .safetensors or .pth. Raises BenchError where they cannot be had, or the file cannot be written.
    """
    fetch(config.Model(name=name, pretrained=True))
    state = weights.read(hub_file(name) or "")
    aside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file(state, aside)
        else:
            torch.save(state, aside)
        aside.replace(path)
    except OSError as error:
        mend = "check its permissions, or set BENCH_DATA to a folder that you can write"
        raise BenchError(f"cannot be written: {error.strerror or error}", where=str(path), mend=mend) from error


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
        entry = try_to_load_from_cache(repository, filename, revision=revision or None)
        if isinstance(entry, str):  # otherwise None, or a marker for "known not to exist"
            return Path(entry)
    return None


def overlay(name: str) -> dict:
    """Return the entries of timm's pretrained_cfg that make it load `name`'s weights from the local cache."""
    path = hub_file(name)
    if _published(name).custom_load:
        return {"file": str(path), "custom_load": True}
    return {"state_dict": weights.read(path)}


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
