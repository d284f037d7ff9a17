"""The learning rate in the course of training.

A schedule is called with the number of samples trained on so far and returns the
learning rate of the epoch that follows.  Its ``on_plateau`` says what happens when
training has stopped improving: False ends it.
"""


class Constant:
    """The same learning rate throughout.

    Parameters
    ----------
    rate : float > 0

    Attributes
    ----------
    n_lowered : int
        How often :meth:`on_plateau` has lowered the rate.
    """

    n_lowered = 0

    def __init__(self, rate):
        self.rate = float(rate)

    def __call__(self, n_seen):
        """Learning rate after ``n_seen`` samples."""
        return self.rate

    def on_plateau(self):
        """Whether to train on although nothing improves."""
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

    def __init__(self, rate, power_t=0.5):
        super().__init__(rate)
        self.power_t = power_t

    def __call__(self, n_seen):
        """Learning rate after ``n_seen`` samples."""
        return self.rate / (n_seen + 1) ** self.power_t


class Adaptive(Constant):
    """Constant until training stops improving, then a fifth of it, down to 1e-6.

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

    def __init__(self, rate, n_lowered=0):
        super().__init__(rate)
        for _ in range(n_lowered):
            self.on_plateau()

    def on_plateau(self):
        """Lower the rate; False if it is too low already."""
        if self.rate <= 1e-6:
            return False
        self.rate /= 5.0
        self.n_lowered += 1
        return True
