"""Tells the learning rate of each step in the course of training.

The training loop calls a schedule before each step, with the samples trained on before
the epoch and the steps done, and takes the learning rate that it returns.  After each
epoch a schedule is told of a lack of improvement: ``on_wait`` how many epochs it has
lasted, ``on_plateau`` that patience has run out, where False ends training.

Where there is no memory, it is simpler: a function of the fraction of training done,
from 0 to 1, that returns a factor on the rate, :func:`cosine`, :func:`one_cycle` or
anyone's own.  :class:`ByFraction` makes a schedule of it.
"""

from collections.abc import Callable
from math import cos, inf, log, pi
from numbers import Real
from typing import Any


class Constant:
    """The same learning rate throughout.

    Parameters
    ----------
    rate : float > 0

    Attributes
    ----------
    n_lowered : int
        How often a lack of improvement has lowered the rate.

    Examples
    --------
    >>> schedule = Constant(0.1)
    >>> schedule(n_seen=1000, n_steps=5), schedule.on_plateau()
    (0.1, False)
    """

    n_lowered = 0

    def __init__(self, rate: float):
        self.rate = float(rate)

    def __call__(self, n_seen: int, n_steps: int = 0) -> float:
        """Learning rate of the next step.

        ``n_seen`` samples were trained on before this epoch, and ``n_steps`` steps are
        done, those of this epoch included.
        """
        return self.rate

    def on_wait(self, n_epochs: int) -> None:
        """Take note that the last ``n_epochs`` epochs have brought no improvement."""

    def on_plateau(self) -> bool:
        """Whether to train on although patience has run out."""
        return False


class InverseScaling(Constant):
    """rate / (n_seen + 1)^power_t, counted in samples as ``MLPClassifier`` does.

    Parameters
    ----------
    rate : float > 0
    power_t : float, default=0.5

    Examples
    --------
    >>> InverseScaling(1.0)(n_seen=99)
    0.1
    """

    def __init__(self, rate: float, power_t: float = 0.5):
        super().__init__(rate)
        self.power_t = power_t

    def __call__(self, n_seen: int, n_steps: int = 0) -> float:
        """Learning rate of an epoch after ``n_seen`` samples."""
        if self.power_t * log(n_seen + 1) > 700:  # the largest float is e^709
            return 0.0
        return self.rate / (n_seen + 1) ** self.power_t


class Adaptive(Constant):
    """Constant until patience runs out, then a fifth of it; training ends at 1e-6.

    Parameters
    ----------
    rate : float > 0
    n_lowered : int, default=0
        How often earlier training has lowered it.

    Examples
    --------
    >>> schedule = Adaptive(0.1)
    >>> schedule.on_plateau(), schedule(n_seen=1000)
    (True, 0.02)
    """

    divisor = 5.0

    def __init__(self, rate: float, n_lowered: int = 0):
        super().__init__(rate)
        for _ in range(n_lowered):
            self.lower()

    def lower(self) -> bool:
        """Lower the rate; False, which ends training, if it is too low already."""
        if self.rate <= 1e-6:
            return False
        self.rate /= self.divisor
        self.n_lowered += 1
        return True

    on_plateau = lower


class ReduceOnPlateau(Adaptive):
    """Half the rate whenever a plateau lasts, before patience runs out and ends it.

    The rate is halved, down to 1e-6, after 5 epochs on end without improvement and
    after every 5 more; if ``n_iter_no_change`` is below 10, after half as many epochs
    as that, at least 1.  An improvement starts the count anew, and training ends when
    patience runs out, as with a constant rate.  He et al., *Deep residual learning for
    image recognition*, CVPR 2016, section 3.4, divide by 10 when the error rests.

    Parameters
    ----------
    rate : float > 0
    n_lowered : int, default=0
        How often earlier training has lowered it.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement that are tolerated.

    Examples
    --------
    >>> schedule = ReduceOnPlateau(0.1)
    >>> for n_epochs in range(1, 11):
    ...     schedule.on_wait(n_epochs)
    >>> schedule(n_seen=1000), schedule.on_plateau()
    (0.025, False)
    """

    divisor = 2.0

    def __init__(self, rate: float, n_lowered: int = 0, n_iter_no_change: float = 10):
        super().__init__(rate, n_lowered)
        self.n_epochs = int(max(1, min(n_iter_no_change, 10) // 2))

    def on_wait(self, n_epochs: int) -> None:
        """Lower the rate if ``n_epochs`` without improvement are enough for it."""
        if n_epochs and n_epochs % self.n_epochs == 0:
            self.lower()

    def on_plateau(self) -> bool:
        """False: training ends when patience runs out."""
        return False


def cosine(fraction: float, warmup: float = 0.0, step: float = 0.0) -> float:
    """Half a cosine wave down to 0, after a linear rise if asked for.

    ::

        min((fraction + step) / warmup, 1)                        fraction < warmup
        (1 + cos(pi (fraction - warmup) / (1 - warmup))) / 2      from there on

    The wave is equation 5 of Loshchilov and Hutter, *SGDR*, ICLR 2017, without restarts
    and with a least rate of 0; the rise is the gradual warmup of Goyal et al.,
    *Accurate, large minibatch SGD*, 2017, section 2.2.

    Parameters
    ----------
    fraction : float in [0, 1]
        Fraction of training done.
    warmup : float in [0, 1), default=0.0
        Fraction of training in which the rate rises.
    step : float in [0, 1], default=0.0
        Fraction of training that one step is: with it, no step has a factor of 0.

    Returns
    -------
    factor : float in [0, 1]

    Examples
    --------
    >>> [round(cosine(fraction), 3) for fraction in (0.0, 0.25, 0.5, 1.0)]
    [1.0, 0.854, 0.5, 0.0]
    >>> [cosine(fraction, warmup=0.5, step=0.25) for fraction in (0.0, 0.25, 0.5)]
    [0.5, 1.0, 1.0]
    """
    if fraction < warmup:
        return min((fraction + step) / warmup, 1.0)
    return (1 + cos(pi * (fraction - warmup) / (1 - warmup))) / 2


def one_cycle(fraction: float, warmup: float = 0.3) -> float:
    """Up from 1/25 to 1 and down to 1/250000, each by half a cosine wave.

    ::

        1/25 + (1 - 1/25) (1 - cos(pi fraction / warmup)) / 2     fraction < warmup
        1/250000 + (1 - 1/250000) cosine(fraction, warmup)        from there on

    The highest rate, that of ``learning_rate_init``, may be larger than training would
    bear from the start (Smith and Topin, *Super-convergence*, 2018, with straight lines
    for the half waves).  Momentum is not cycled.

    Parameters
    ----------
    fraction : float in [0, 1]
        Fraction of training done.
    warmup : float in [0, 1), default=0.3
        Fraction of training in which the rate rises.

    Returns
    -------
    factor : float in (0, 1]

    Examples
    --------
    >>> [round(one_cycle(fraction), 6) for fraction in (0.0, 0.15, 0.3, 0.65, 1.0)]
    [0.04, 0.52, 1.0, 0.500002, 4e-06]
    """
    lowest, start = 1 / 250_000, 1 / 25
    if fraction < warmup:
        return start + (1 - start) * (1 - cosine(fraction / warmup))
    return lowest + (1 - lowest) * cosine(fraction, warmup)


class ByFraction(Constant):
    """rate * factor(fraction of training done), looked up anew for each step.

    Step k of ``n_total``, counted from 0, finds the fraction k / n_total done.

    Parameters
    ----------
    rate : float > 0
    factor : callable
        From a fraction in [0, 1] to a number, 0 or more.
    n_total : int
        Steps of the whole training.
    n_before : int, default=0
        Steps done before those that calls count, in a training that was interrupted.

    Raises
    ------
    ValueError
        When ``factor`` returns anything but a finite number, 0 or more.

    Examples
    --------
    >>> schedule = ByFraction(0.1, cosine, n_total=4)
    >>> [round(schedule(n_seen=0, n_steps=k), 4) for k in range(4)]
    [0.1, 0.0854, 0.05, 0.0146]
    """

    def __init__(
        self,
        rate: float,
        factor: Callable[[float], float],
        n_total: int,
        n_before: int = 0,
    ):
        super().__init__(rate)
        self.factor = factor
        self.n_total = n_total
        self.n_before = n_before

    def __call__(self, n_seen: int, n_steps: int = 0) -> float:
        """Learning rate of the step after ``n_steps`` others."""
        fraction = min((self.n_before + n_steps) / self.n_total, 1.0)
        factor = self.factor(fraction)
        if not (isinstance(factor, Real) and 0 <= factor < inf):
            raise ValueError(
                f"learning_rate returned {factor!r} for the fraction {fraction:.6g} of "
                "training done: it must return a finite number, 0 or more, by which "
                "learning_rate_init is multiplied."
            )
        return self.rate * float(factor)


SCHEDULES = {
    "constant": Constant,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "reduce_on_plateau": ReduceOnPlateau,
}
FACTORS = {"cosine": cosine, "one_cycle": one_cycle}


def needs_length(learning_rate: Any) -> bool:
    """Whether this ``learning_rate`` of an estimator depends on how long it trains.

    Examples
    --------
    >>> needs_length("adaptive"), needs_length("cosine"), needs_length(abs)
    (False, True, True)
    """
    return callable(learning_rate) or learning_rate in FACTORS
