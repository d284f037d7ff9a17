"""What becomes of an epoch: it is written down, judged, shown, and perhaps kept."""

import warnings
from math import isfinite, nan
from time import perf_counter

import numpy as np

from sknet._progress import progress

# partial_fit may go on for ever: it remembers the epochs of this many last calls.
REMEMBERED_CALLS = 100


class Monitor:
    """Follows one training and writes it into the estimator's fitted attributes.

    Parameters
    ----------
    estimator : NetworkEstimator
        Its ``_theta`` is what training changes.
    validation : ValidationSet or None
        With one, the weights that do best on it are the ones that are kept.
    commit : callable
        Called as soon as there is something to keep, whatever happens then.
    max_iter : int
        Most epochs there will be.
    verbose : bool or int
        See :func:`~sknet._progress.progress`.
    """

    def __init__(self, estimator, validation, commit, max_iter, verbose):
        self._estimator = estimator
        self._commit = commit
        self._validation = validation
        self._best = None if validation is None else estimator._theta.copy()
        self._progress = progress(verbose, max_iter)
        self._start = perf_counter()

    def record(self, cost, penalty=0.0, learning_rate=nan, grad_norm=nan):
        """Write down an epoch that has just ended, and judge its weights."""
        estimator = self._estimator
        facts = {
            "loss": cost - penalty,
            "penalty": penalty,
            "learning_rate": learning_rate,
            "grad_norm": grad_norm,
        }
        if self._validation is not None:  # may fail: then nothing is written down
            loss, score = self._validation.evaluate()
            facts.update(val_loss=loss, val_score=score)
        self._commit()
        estimator.n_iter_ += 1
        estimator.loss_ = cost
        estimator.loss_curve_.append(cost)
        if self._validation is not None:
            self._judge(loss, score)
        now = perf_counter()
        facts["seconds"], self._start = now - self._start, now
        append(estimator.history_, facts)
        self._progress.epoch(estimator.n_iter_, cost, facts)

    def _judge(self, loss, score):
        estimator = self._estimator
        estimator.validation_scores_.append(score)
        best = estimator.best_validation_score_
        # Weights about to diverge may do well by a score that sees no overflow.
        if isfinite(loss) and (best is None or score > best):
            estimator.best_validation_score_ = score
            estimator.best_iteration_ = len(estimator.loss_curve_)
            self._best[:] = estimator._theta

    @property
    def kept(self):
        """The weights that the estimator would have if training ended now."""
        no_best = self._estimator.best_iteration_ is None
        return self._estimator._theta if no_best else self._best

    def say(self, message):
        """Tell why training ends."""
        self._progress.say(message)

    def warn_of_ctrl_c(self, last_whole="step"):
        """Warn that training was interrupted, and say which weights are kept."""
        self._commit()
        estimator = self._estimator
        kept = f"those of the last whole {last_whole}"
        if estimator.best_iteration_ is not None:
            kept = "those that did best on the validation set"
        warnings.warn(
            f"Ctrl-C stopped training in iteration {estimator.n_iter_ + 1}; the "
            f"weights are {kept}.",
            UserWarning,
            stacklevel=2,
        )

    def diverged(self, loss, X, rate=""):
        """Message for a cost, or weights, that are no longer finite."""
        self._commit()
        largest = max(abs(X.max()), abs(X.min()))
        kept = "last weights with a finite loss"
        if self._estimator.best_iteration_ is not None:
            kept = "weights that did best on the validation set"
        return (
            f"Training diverged in epoch {self._estimator.n_iter_ + 1}: the loss is "
            f"{loss} with {rate}X of size up to {largest:.3g}; scale X "
            f"(StandardScaler) or lower learning_rate_init. The estimator keeps the "
            f"{kept}."
        )

    def end(self):
        """Give the estimator the weights that are kept."""
        self._estimator._theta[:] = self.kept
        self._progress.close()


def append(history, facts):
    """Append an epoch's facts to a dict of lists, which stay of one length.

    Examples
    --------
    >>> history = {}
    >>> append(history, {"loss": 0.5})
    >>> append(history, {"loss": 0.25, "val_loss": 0.75})
    >>> history
    {'loss': [0.5, 0.25], 'val_loss': [nan, 0.75]}
    """
    n_before = len(next(iter(history.values()), ()))
    for name in dict.fromkeys([*history, *facts]):
        history.setdefault(name, [nan] * n_before).append(facts.get(name, nan))


def forget_all_but_the_last(estimator):
    """Shorten the curves to the last calls of ``partial_fit``."""
    for curve in [estimator.loss_curve_, *estimator.history_.values()]:
        del curve[:-REMEMBERED_CALLS]


def last_improvement(curve, higher_is_better=False):
    """How many epochs ago the curve last had its best value, and in words.

    Examples
    --------
    >>> last_improvement([0.5, 0.3, 0.25])
    (0, 'lower by 0.05 in the last epoch')
    >>> last_improvement([0.5, 0.75, 0.625, 0.5], higher_is_better=True)
    (2, 'no better in the last 2 epochs')
    """
    values = np.asarray(curve) * (1 if higher_is_better else -1)
    n_ago = len(values) - 1 - int(values.argmax())
    if n_ago:
        epochs = "epoch" if n_ago == 1 else f"{n_ago} epochs"
        return n_ago, f"no better in the last {epochs}"
    if len(values) == 1:
        return 0, "after the only epoch"
    gain = values[-1] - values[:-1].max()
    side = "higher" if higher_is_better else "lower"
    return 0, f"{side} by {gain:.3g} in the last epoch"
