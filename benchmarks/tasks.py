"""What the contenders are asked to do, in plain values that travel as JSON."""

from dataclasses import dataclass

N_CLASSES = 10


@dataclass(frozen=True)
class Training:
    """A fit of fixed length: neither tolerance nor patience ends it."""

    hidden: tuple
    activation: str = "relu"
    solver: str = "adam"
    batch_size: int = 200
    epochs: int = 1
    dtype: str | None = None  # of sknet's weights, where it is not that of X
    targets: int | None = None  # numbers to estimate; None for classes

    @property
    def outputs(self):
        """Outputs of the network."""
        return self.targets or N_CLASSES


@dataclass(frozen=True)
class Prediction:
    """Calls of ``predict_proba`` on the first rows of the data."""

    hidden: tuple
    rows: int
    calls: int = 1


def from_json(fields):
    """The task of which ``fields`` is the JSON form."""
    fields = {**fields, "hidden": tuple(fields["hidden"])}
    return (Prediction if "rows" in fields else Training)(**fields)
