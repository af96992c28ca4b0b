"""How a profile differs from the suite itself, in words."""

from bench.suite.differences import about

BODY = """\
stages:
  pre:
    seeds: 1
    axes: {net: {n: {}}}
  s:
    axes:
      lr: {path: train.optimizer.lr, values: [0.1, 0.2, 0.3]}
      model: {small: {}, large: {model: {name: resnet_cifar, args: {depth: 8}}}}
metrics: {gap: {minus: [train/accuracy, val/accuracy]}}
claims:
  c: {says: first, metric: val/accuracy, stage: s, of: {lr: 0.1}, higher_than: {lr: 0.2}, each: model}
  d: {says: second, metric: val/accuracy, stage: s, of: {lr: 0.3}, higher_than: {lr: 0.2}, each: model}
"""


def told(suite, profile, **options):
    """What a profile differs in; a line of YAML."""
    return about(suite(BODY + f"profiles: {{small: {profile}}}\n", profile="small", **options)).differences


def test_the_suite_itself_has_nothing_to_say(suite):
    assert about(suite(BODY + "profiles: {small: {seeds: 1}}\n")) is None
    assert about(suite(BODY + "profiles: {small: {tables: {}}}\n", profile="small")) is None


def test_what_the_author_says_stands_alone_where_nothing_differs(suite):
    found = about(suite(BODY + "profiles: {small: {about: as it is}}\n", profile="small"))
    assert (found.name, found.says, found.sentence) == ("Profile small", "as it is", "as it is")


def test_images_models_epochs_and_seeds(suite):
    assert told(suite, "{data: {subset: {train: 1000, test: 200}}}") == [
        "data digits (1,000 training, 200 test images) instead of digits (all images)"
    ]
    assert told(suite, "{data: {source: folder, path: ../some/images}}") == [
        "data folder images (all images) instead of digits (all images)"
    ]
    assert told(suite, "{data: {sizes: {smallest: 5, largest: 20, total: 110}}}") == [
        "data digits (110 images) instead of digits (all images)"
    ]
    assert told(suite, "{base: {model: {name: lenet}}}") == ["model lenet instead of simple_cnn"]
    assert told(suite, "{stages: {s: {axes: {model: {large: null}}}}}") == [
        "model without resnet_cifar", "1 level left out (model=large)", "cells 4 instead of 7",
    ]  # fmt: skip
    weights = "{stages: {s: {axes: {model: {again: {model: {weights: {stage: pre, seed: 0}}}}}}}}"
    assert told(suite, weights) == ["model also simple_cnn (weights of stage pre)", "cells 10 instead of 7"]
    assert told(suite, "{base: {train: {epochs: 9}}}") == ["epochs 9 instead of 2"]
    assert told(suite, "{stages: {pre: {patch: {train: {epochs: 9}}}}}") == ["epochs 2 or 9 instead of 2"]
    assert told(suite, "{seeds: 4}") == ["seeds 1 or 4 instead of 1 or 2"]
    assert told(suite, "{seeds: {looks: [3, 5]}}") == ["seeds 1 to 5 instead of 1 or 2"]


def test_stages_levels_and_claims_that_are_left_out(suite):
    profile = "{stages: {pre: null, s: {axes: {lr: {values: [0.1, 0.2]}}}}, claims: {d: {drop: too few}, c: {margin: 0.1}}}"
    assert told(suite, profile) == [
        "seeds 2 instead of 1 or 2",
        "1 stage left out (pre)",
        "1 level left out (lr=0.3)",
        "cells 4 instead of 7",
        "1 claim not asked",
        "1 claim asked otherwise (c)",
    ]
    added = "{claims: {e: {says: so, metric: val/accuracy, stage: s, of: {lr: 0.3}, higher_than: {lr: 0.1}, each: model}}}"
    assert told(suite, added) == ["1 claim of its own (e)"]
    assert told(suite, "{claims: {c: {says: in other words}}, seeds: 3}") == ["seeds 1 or 3 instead of 1 or 2"]


def test_all_other_settings_are_named_once(suite):
    profile = (
        "{base: {train: {batch_size: 7, optimizer: {name: adam}}}, metrics: {gap: {minus: [train/loss, val/loss]}}, alpha: 0.1}"
    )
    assert told(suite, profile) == ["other settings (train.batch_size, train.optimizer, metric gap, alpha)"]
    assert told(suite, "{stages: {s: {axes: {model: {large: {model: {args: {depth: 14}}}}}}}}") == ["other settings (model.args)"]


def test_many_names_are_counted(suite):
    profile = "{stages: {s: {axes: {lr: {values: [1, 2, 3, 4, 5, 6, 7, 8]}}}}, claims: null}"
    assert told(suite, profile)[0] == "3 levels left out (lr=0.1, lr=0.2, lr=0.3)"
    data = "{split: {seed: 1}, noise: {variance: 0.1}, normalize: none, resize: {scale: 2}, pool: true, augment: [{name: flip}]}"
    (settings,) = told(suite, f"{{data: {data}, base: {{train: {{batch_size: 7}}}}}}")
    assert settings.endswith(" and 1 more)") and settings.count("data.") == 6


def test_overrides_are_told_too_also_without_a_profile(suite):
    found = about(suite(BODY, overrides=["train.epochs=1", "seeds=[3]"]))
    assert found.name == "Overrides"
    assert found.sentence == "not the suite itself. It differs: epochs 1 instead of 2; seeds 1 instead of 1 or 2."
    assert told(suite, "{seeds: 3}", overrides=["train.epochs=1"]) == ["epochs 1 instead of 2", "seeds 1 or 3 instead of 1 or 2"]


def test_a_suite_that_is_whole_only_in_its_profile(suite):
    body = BODY.replace("name: resnet_cifar", "name: resnet_cifar, pretrained: 3")
    (found,) = told_of(suite, body + "profiles: {small: {stages: {s: {axes: {model: {large: null}}}}}}\n")
    assert found.startswith("how cannot be told, as the suite itself is not valid (") and "tiny.yaml:" in found


def told_of(suite, body):
    return about(suite(body, profile="small")).differences
