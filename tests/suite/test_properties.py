"""What holds for every suite."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.grammar.cells import trials
from bench.grammar.document import Document, merged
from bench.suite.load import load_suite

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b"])
objects = st.recursive(
    scalars,
    lambda inner: st.dictionaries(st.sampled_from("pqrs"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("pqrstu"), objects, max_size=5)


def rfc7396(target, patch):
    """The algorithm as RFC 7396 states it."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = rfc7396(target.get(name), value)
    return target


@given(objects, objects)
def test_merging_is_rfc_7396(target, patch):
    before = repr(target), repr(patch)
    assert merged(target, patch) == rfc7396(target, patch)
    assert (repr(target), repr(patch)) == before


@given(mappings, mappings)
def test_a_profile_keeps_the_order_and_puts_what_is_new_where_it_stands(target, patch):
    document = Document("made.yaml", {"here": target})
    document.patch(("here",), patch, ())
    found = document.data["here"]
    assert found == rfc7396(target, patch)
    assert [key for key in found if key in target] == [key for key in target if key in found]
    given, order = list(patch), list(found)
    for i, key in enumerate(given):
        if key in found and key not in target:
            known = [later for later in given[i + 1 :] if later in target and later in found]
            assert not known or order.index(key) < order.index(known[0])


LEVELS = {
    "epochs": "train.epochs",
    "batch": "train.batch_size",
    "noise": "data.split.seed",
    "width": "model.args.width",
}
axes_strategy = st.dictionaries(
    st.sampled_from(list(LEVELS)), st.lists(st.integers(2, 9), min_size=1, max_size=3, unique=True), min_size=1
)


def write(folder, axes, extra=""):
    lines = [f"      {axis}: {{path: {LEVELS[axis]}, values: {values}}}" for axis, values in axes.items()]
    path = folder / "made.yaml"
    path.write_text(
        "suite: made\ntitle: t\ndata: {source: digits}\n"
        "base: {model: {name: simple_cnn}, train: {epochs: 1, optimizer: {name: sgd}}}\n"
        "stages:\n  s:\n    axes:\n" + "\n".join(lines) + "\n" + extra
    )
    return path


@settings(deadline=None, max_examples=60)
@given(axes=axes_strategy, data=st.data())
def test_cells_are_the_product_without_what_is_excluded(tmp_path_factory, axes, data):
    folder = tmp_path_factory.mktemp("suite")
    excluded = {axis: data.draw(st.sampled_from(values)) for axis, values in axes.items()}
    everything = [dict(zip(axes, map(str, values), strict=True)) for values in product(*axes.values())]
    cells = load_suite(write(folder, axes)).cells["s"]
    assert [cell.labels for cell in cells] == everything
    if len(everything) > 1:
        extra = f"    exclude: [{{{', '.join(f'{axis}: {label}' for axis, label in excluded.items())}}}]\n"
        thinned = load_suite(write(folder, axes, extra)).cells["s"]
        assert [cell.labels for cell in thinned] == [c for c in everything if c != {a: str(v) for a, v in excluded.items()}]


@settings(deadline=None, max_examples=40)
@given(axes=axes_strategy)
def test_fingerprints_differ_exactly_where_configurations_do(tmp_path_factory, axes):
    cells = load_suite(write(tmp_path_factory.mktemp("suite"), axes)).cells["s"]
    prints = [trial.fingerprint for trial in trials(cells, [0], lambda section: "")]
    configs = [cell.config.model_dump_json() for cell in cells]
    assert len(set(prints)) == len(set(configs)) == len(cells)
