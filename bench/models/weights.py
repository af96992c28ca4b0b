"""Files of weights: reading them, and whether they fit a network."""

from pathlib import Path

import torch
from torch import nn

from bench.errors import BenchError

# Top-level names under which torchvision's and timm's networks keep the classifier that a head replaces.
CLASSIFIERS = ("classifier", "fc", "head", "pre_logits")

State = dict[str, torch.Tensor]


def read(path: str | Path) -> State:
    """Read a state dict from a .safetensors file or, with weights_only=True, from a .pth file.

    A checkpoint that holds the state dict under "state_dict" or "model" is unwrapped. Raises BenchError for a file that
    is missing, damaged, unsafe, or something else.
    """
    path = local(path)
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


def fit(body: nn.Module, path: str | Path, head: nn.Module | None = None) -> tuple[State, State]:
    """Read a file of weights and return what of it `body`, and the `head` on it, load. Both may live on the meta device.

    The file holds a bare body, such as torchvision's and timm's files, or a whole network that `build` made: headed, frozen, or
    both. The last layer's weights are left out where the number of classes is another one, and all of the head's where it is
    another head (of other dense layers or batch norms; dropout may differ). Any other difference in names or shapes raises
    BenchError with the first of them.
    """
    expected = body.state_dict()
    state, top = _unwrapped(read(path), expected)
    last = [f"{name}." for name in classifier_names(body)]
    for prefix in last:
        keys = [key for key in state if key.startswith(prefix)]
        if any(key not in expected or expected[key].shape != state[key].shape for key in keys):
            state = {key: value for key, value in state.items() if key not in keys}
    if head is not None:
        state = {key: value for key, value in state.items() if key in expected or key.split(".")[0] not in CLASSIFIERS}
    # Converted files often lack the batch norms' step counters, which nothing here uses.
    missing = [
        key
        for key in expected
        if key not in state and not key.startswith(tuple(last)) and not key.endswith("num_batches_tracked")
    ]
    unexpected = [key for key in state if key not in expected]
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in state
        if key in expected and state[key].shape != expected[key].shape
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
    return state, _same_head(top, head) if head is not None else {}


def load(body: nn.Module, path: str | Path, head: nn.Module | None = None) -> None:
    """Load a file of weights into `body` and the `head` on it, as `fit` describes."""
    state, top = fit(body, path, head)
    body.load_state_dict(state, strict=False)
    if head is not None:
        head.load_state_dict(top, strict=False)


def _unwrapped(state: State, expected: State) -> tuple[State, State]:
    """Return the weights of the body, and of the head on it, in a file that may hold either a body or what `build` returned.

    expected: the body's state dict. Where a body's own names look like a wrapper's, what matches more of them is taken.
    """
    top: State = {}
    for wrapper, beside in (("network.", "network."), ("body.", "head.")):  # Frozen, with_head
        if not any(key.startswith(wrapper) for key in state) or not all(key.startswith((wrapper, beside)) for key in state):
            continue
        inner = _under(wrapper, state)
        if len(expected.keys() & inner) >= len(expected.keys() & state):
            state, top = inner, _under("head.", state) if beside != wrapper else top
    return state, top


def _under(prefix: str, state: State) -> State:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _same_head(state: State, head: nn.Module) -> State:
    """Return a file's weights of the head: all but the last layer's where only the classes differ, none of another head."""
    layers, file_layers = _layers(head.state_dict()), _layers(state)
    shapes, other = (
        [{name: value.shape for name, value in layer.items()} for layer in each.values()] for each in (layers, file_layers)
    )
    if len(shapes) != len(other) or shapes[:-1] != other[:-1]:
        return {}
    pairs = list(zip(layers, file_layers.values(), strict=True))[: len(layers) if shapes == other else -1]
    return {f"{number}.{name}": value for number, layer in pairs for name, value in layer.items()}


def _layers(state: State) -> dict[str, State]:
    """Return the weights of each layer of a head, by its number, in order. Numbers count layers without any, too."""
    layers: dict[str, State] = {}
    for key in sorted(state, key=lambda key: (key.find("."), key)):  # 2 before 10, as files may have it the other way round
        number, _, name = key.partition(".")
        layers.setdefault(number, {})[name] = state[key]
    return layers


def classifiers(network: nn.Module) -> tuple[nn.Module, ...]:
    """Return a network's last layers: one, or several for timm's distilled models."""
    last = network.get_classifier()
    return tuple(last) if isinstance(last, (tuple, list, nn.ModuleList)) else (last,)


def classifier_names(network: nn.Module) -> list[str]:
    """Return the dotted names of a network's last layers."""
    last = {id(module) for module in classifiers(network)}
    return [name for name, module in network.named_modules() if id(module) in last]


def local(path: str | Path) -> Path:
    """Return the path of a file, `~` expanded."""
    return Path(path).expanduser()


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its type's name."""
    return (str(error).strip() or type(error).__name__).split("\n")[0]
