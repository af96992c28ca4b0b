"""Files that are damaged between two runs."""

from shutil import copytree
from signal import SIGTERM

from .. import faults
from ..phases import TRAINING, Moment
from ..rounds import Round
from .registry import hundredths, scenario


@scenario("damaged-data", "files of prepared data are damaged, before the run or half-way")
def damaged_data(round: Round) -> None:
    how = round.note("how", round.draw.choice(faults.DAMAGES))
    moment = round.moment(TRAINING) if round.note("half-way", round.draw.random() < 0.7) else None
    round.data = round.folder / "data"
    copytree(round.session.data, round.data)
    files = sorted(path for path in round.data.glob("cache/*/*") if path.is_file() and not path.name.startswith("."))
    file = round.draw.choice(files)
    round.note("file", file.name)
    round.prepare()
    if moment:
        run = round.start()
        if round.reach(moment, run):
            run.signal("coordinator", SIGTERM)
        run.wait()
    faults.damage(file, how, round.draw)
    round.fired()


def _damaged_artifacts(round: Round, name: str, ended: tuple[int, int]) -> None:
    """Damage artifacts of a name when so many trials have ended."""
    how = round.note("how", round.draw.choice(faults.DAMAGES))
    moment = round.note("moment", Moment("training", round.draw.randint(*ended), hundredths(round.draw.uniform(0, 0.8))))
    share = round.note("share", round.draw.choice((0.3, 1.0)))
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        run.signal("coordinator", SIGTERM)
    run.wait()
    done = {one.run_id for one in round.store.runs() if one.status == "FINISHED"}
    for file in sorted(path for path in round.store.artifacts.rglob(name) if done & set(path.parts)):
        if round.draw.random() < share:
            faults.damage(file, how, round.draw)
            round.fired()


@scenario("damaged-weights", "weights that another stage starts from are damaged or gone", suites=("stages",), repeats=True)
def damaged_weights(round: Round) -> None:
    _damaged_artifacts(round, "weights.safetensors", (7, 10))  # of six that tune, two winners and four that start from them


@scenario("damaged-predictions", "predictions that are to vote are damaged", suites=("votes",), repeats=True, exits=(0, 3))
def damaged_predictions(round: Round) -> None:
    _damaged_artifacts(round, "predictions.npz", (1, 4))  # of four that vote, and four votes
