"""What a suite needs on this machine before it can run: images and weights, what of them is there, and how to get the rest."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import components, data, models
from bench.api.suite import LoadedSuite
from bench.config import Data, Model
from bench.data.sources import source_of
from bench.data.sources.base import Todo
from bench.data.sources.trees import TREES, make, source_of_tree
from bench.errors import BenchError, ErrorCode
from bench.grammar.cells import Section
from bench.paths import data_root

Say = Callable[[str], None]


@dataclass(frozen=True)
class Need:
    """Images or weights. Nothing is done before `get`.

    name: what it is. place: where it lies, None where it is not ready. bytes: what it takes there. todo: what `get` does, None
    where all is ready. problem: why it cannot be had. get: has it prepared, and returns it as it is then; raises BenchError, with
    file and line.
    """

    name: str
    place: Path | None
    get: Callable[[Say], "Need"]
    bytes: int = 0
    todo: Todo | None = None
    problem: BenchError | None = None
    is_weights: bool = False


def needs(suite: LoadedSuite, *, weights: bool = True) -> list[Need]:
    """Return what a suite needs, each thing once. weights: those too. No network, and nothing is written."""
    images = {section.config.origin: section for section in suite.sections("data")}
    found = [_images(suite, section) for section in images.values()]
    return found + (list({need.name: need for need in _all_weights(suite)}.values()) if weights else [])


def placed(error: BenchError, section: Section[Any], setting: str) -> BenchError:
    """Return an error at the line of a section's setting."""
    return error.at(section.place((setting,)))


# ------------------------------------------------------------ images


def _images(suite: LoadedSuite, section: Section[Data], already: bool = True) -> Need:
    config = section.config
    setting = "path" if config.path else "source"
    name = f"folder {Path(config.path).name}" if config.path else config.source
    get = partial(_get_images, suite, section)
    if target := _tree(suite, config):
        before = source_of_tree(target.name).todo(data_root()) or Todo("")
        text = f"make {target} from {TREES[target.name][0]}" + (f" ({before.text} first)" if before.text else "")
        return Need(name, None, get, todo=before._replace(text=text))
    try:
        with components.beside(section.folder):
            if (dataset := data.find(config)) and dataset.path:
                size = sum(file.stat().st_size for file in dataset.path.iterdir())
                images = len(dataset.train_labels) + (0 if dataset.test_labels is None else len(dataset.test_labels))
                text = f"{name}: {images} images in {len(dataset.classes)} classes"
                return Need(text, dataset.path, get, size)
            before = source_of(config).todo(data_root()) or Todo("")
    except BenchError as error:
        return Need(name, None, get, problem=placed(error, section, setting))
    return Need(name, None, get, todo=before._replace(text=f"{before.text}, and decode it" if before.text else "decode it"))


def _get_images(suite: LoadedSuite, section: Section[Data], say: Say) -> Need:
    config = section.config
    try:
        if target := _tree(suite, config):
            make(target, root=data_root(), download=True, say=say)
            config = config.model_copy(update={"path": str(target)})
        with components.beside(section.folder):
            data.prepare(config, download=True, say=say)
    except BenchError as error:
        raise placed(error, section, "path" if config.path else "source") from None
    return _images(suite, Section(config, section.digest, section.key, section.place, folder=section.folder))


def _tree(suite: LoadedSuite, config: Data) -> Path | None:
    """Return where a folder is to be made that is not there; None of any other."""
    if config.path and not Path(config.path).exists() and Path(config.path).name in TREES:
        return _in_data_root(suite, config.path)
    return None


def _in_data_root(suite: LoadedSuite, path: str) -> Path | None:
    """Return where a file that is not beside the suite belongs in the folder of data sets; None where its path is absolute."""
    with suppress(ValueError):
        return data_root() / Path(path).relative_to(Path(suite.suite.document.file).parent)
    return None


# ------------------------------------------------------------ weights


def _all_weights(suite: LoadedSuite) -> Iterator[Need]:
    for section in suite.sections("model"):
        if section.config.pretrained:
            yield _published(section)
        elif isinstance(section.config.weights, str):
            yield _file(suite, section)


def _published(section: Section[Model]) -> Need:
    model = section.config
    name, get = f"weights of {model.name}", partial(_fetch, section)
    try:
        if path := models.hub_file(model.name):
            return Need(name, path, get, path.stat().st_size, is_weights=True)
        url = models.published_address(model.name)
        todo = Todo(f"download {url}", models.published_bytes(model.name), url)
    except BenchError as error:
        return Need(name, None, get, problem=placed(error, section, "name"), is_weights=True)
    return Need(name, None, get, todo=todo, is_weights=True)


def _fetch(section: Section[Model], say: Say) -> Need:
    say(f"fetching the weights of {section.config.name}")
    try:
        models.fetch(section.config)
    except BenchError as error:
        raise placed(error, section, "name") from None
    return _published(section)


def _file(suite: LoadedSuite, section: Section[Model]) -> Need:
    """Return what is needed of a file of weights. One that is called as its network is in timm can be made: timm's own."""
    model, path = section.config, Path(str(section.config.weights))
    name, get = f"weights {path.name}", partial(_make_file, suite, section)
    if path.is_file():
        return Need(name, path, get, path.stat().st_size, is_weights=True)
    target = _in_data_root(suite, str(path)) if path.stem == model.name else None
    if target and models.is_published(Model(name=model.name, pretrained=True)):
        todo, url = Todo(f"save timm's as {target}"), models.published_address(model.name)
        if not models.hub_file(model.name):
            todo = Todo(f"{todo.text} (download {url} first)", models.published_bytes(model.name), url)
        return Need(name, None, get, todo=todo, is_weights=True)
    mend = f"check the path, which is looked for beside the suite, then in {data_root()}, or put the file there"
    problem = BenchError("there is no such file", where=str(path), mend=mend, code=ErrorCode.NOT_PREPARED)
    return Need(name, None, get, problem=placed(problem, section, "weights"), is_weights=True)


def _make_file(suite: LoadedSuite, section: Section[Model], say: Say) -> Need:
    need = _file(suite, section)
    if need.problem:
        raise need.problem
    if need.place is None and (target := _in_data_root(suite, str(section.config.weights))):
        say(f"saving timm's weights as {target}")
        try:
            models.save_published(section.config.name, target)
        except BenchError as error:
            raise placed(error, section, "weights") from None
        return Need(need.name, target, need.get, target.stat().st_size, is_weights=True)
    return need
