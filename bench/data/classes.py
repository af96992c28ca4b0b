"""Classes as a configuration names them: by number or by name."""

from collections.abc import Sequence

from bench.errors import BenchError, did_you_mean


def numbers(named: Sequence[int | str], classes: Sequence[str], where: str) -> list[int]:
    """Return the numbers of classes, in the order in which they are named.

    Raises BenchError at `where` for a class that there is not, or that is named twice.
    """
    known = {name: number for number, name in enumerate(classes)}
    selection: list[int] = []
    for name in named:
        if isinstance(name, int) and name >= len(classes):
            raise BenchError(f"there is no class {name}", where=where, mend=f"there are {len(classes)}, counted from 0")
        if isinstance(name, str) and name not in known:
            raise BenchError(f"there is no class {name!r}", where=where, mend=did_you_mean(name, known))
        number = name if isinstance(name, int) else known[name]
        if number in selection:
            raise BenchError(f"class {classes[number]!r} is named twice", where=where, mend="name it once")
        selection.append(number)
    return selection
