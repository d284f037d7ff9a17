"""Draws what happened in training: loss, score and learning rate of every epoch."""

import numpy as np

from sknet.displays._canvas import MARKERS, colours, panels, pyplot, text_colour
from sknet.displays._networks import named_networks_in

# A range of losses from which on they have a logarithmic scale.
WIDE = 100

N_MARKS = 8  # on a curve
STAR = {"linestyle": "none", "marker": "*", "markersize": 11}

# Panels: what is drawn of training, and of validation.
PANELS = {
    "cost": ("cost", None),
    "loss": ("loss", "val_loss"),
    "score": (None, "val_score"),
    "learning_rate": ("learning_rate", None),
}

OTHER_NAMES = {"cost": "Cost (loss + penalty)", "learning_rate": "Learning rate"}


class HistoryDisplay:
    """Training and validation loss, score and learning rate against the epochs.

    Training is drawn in solid lines and validation in dashed ones; the curves of
    several networks have marks, each its own.  The best epoch by the validation score,
    whose weights are kept, is marked by a star, and where there is one network by a
    dotted line too.

    Parameters
    ----------
    histories : dict of dict
        From the name of a network to its ``history_``: lists by the names of what was
        measured; "cost" is ``loss_curve_``.
    best_iterations : dict of int, default=None
        From names to the best epochs, counted from 1.
    folds : bool, default=False
        Whether the networks are one model trained on several folds, which are drawn
        alike, thin, with their mean over the epochs that all of them have.
    loss_name, score_name : str, default="Loss" and "Score"
        Labels of the vertical axes.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_panels,)
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
    lines_ : dict of matplotlib Line2D
        By (name, what was measured); the means of folds by ("mean", what was measured).

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of samples.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sknet.displays import HistoryDisplay
    >>> history = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.6]}
    >>> display = HistoryDisplay({"net": history}, {"net": 2})
    >>> _ = display.plot(ax=Figure().subplots())
    >>> display.lines_["net", "val_loss"].get_xydata().tolist()
    [[1.0, 3.0], [2.0, 2.5], [3.0, 2.6]]
    """

    def __init__(
        self,
        histories,
        best_iterations=None,
        *,
        folds=False,
        loss_name="Loss",
        score_name="Score",
    ):
        self.histories = histories
        self.best_iterations = best_iterations
        self.folds = folds
        self.loss_name = loss_name
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, panels=None):
        """Draw the history of a fitted network, or of several.

        Parameters
        ----------
        estimator : estimator, or list or dict of them
            A network, ``MLPClassifier`` and ``MLPRegressor`` too, or what has fitted
            one or several; a dict has the names for the legend.
        ax, panels
            As for :meth:`plot`.

        Returns
        -------
        display : HistoryDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
        TypeError
            If there is no network.
        """
        return cls._of(named_networks_in(estimator)).plot(ax, panels=panels)

    @classmethod
    def from_cv_results(cls, cv_results, *, ax=None, panels=None):
        """Draw the histories of the folds of a cross-validation, and their mean.

        Parameters
        ----------
        cv_results : dict
            What ``cross_validate(..., return_estimator=True)`` has returned.
        ax, panels
            As for :meth:`plot`.

        Returns
        -------
        display : HistoryDisplay

        Raises
        ------
        ValueError
            If the estimators were not returned.
        """
        if "estimator" not in cv_results:
            raise ValueError(
                "cv_results has no estimators: call cross_validate with "
                "return_estimator=True."
            )
        estimators = dict(enumerate(cv_results["estimator"]))
        networks = named_networks_in({f"fold {i}": e for i, e in estimators.items()})
        return cls._of(networks, folds=True).plot(ax, panels=panels)

    @classmethod
    def _of(cls, networks, folds=False):
        return cls(
            {name: _history(net) for name, net in networks.items()},
            {name: _best_iteration(net) for name, net in networks.items()},
            folds=folds,
            loss_name=_only(map(_loss_name, networks.values()), "Loss"),
            score_name=_only(map(_score_name, networks.values()), "Score"),
        )

    def plot(self, ax=None, *, panels=None):
        """Draw the panels, one below the other.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            As many as panels, or one whose place they share; by default a new figure.
        panels : list of {"loss", "cost", "score", "learning_rate"}, default=None
            By default the loss, or where that is not known the cost, which has the
            penalty in it; the score, if one was validated on; and the learning rate, if
            it was not the same in all epochs.

        Returns
        -------
        self : HistoryDisplay

        Raises
        ------
        ValueError
            For panels that there are not, or that nothing was measured for.
        """
        names = self._panels() if panels is None else self._checked(panels)
        if not names:
            raise ValueError(
                "nothing has been recorded yet: train at least one epoch on samples of "
                "weights above 0."
            )
        self.axes_ = _axes_for(ax, len(names))
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        self._colours, self.lines_ = colours(self.ax_), {}
        for panel, axes in zip(names, self.axes_, strict=True):
            self._draw(panel, axes)
        self.axes_[0].set_title(self._title())
        labelled = self.axes_ if np.size(ax) > 1 else self.axes_[-1:]
        for one in labelled:
            one.set_xlabel("Iteration" if self._is_lbfgs() else "Epoch")
        self._add_legend()
        return self

    # -- what there is to draw -----------------------------------------------------

    def _panels(self):
        losses = [p for p in ("loss", "cost") if any(self._values(p))]
        there = losses[:1] + ["score"] * any(self._values("score"))
        rates = [rates for *_, rates in self._values("learning_rate")]
        varies = any(np.nanmax(r) > np.nanmin(r) for r in rates)
        return [*there, "learning_rate"] if varies else there

    def _checked(self, panels):
        unknown = [panel for panel in panels if panel not in PANELS]
        if unknown or not len(panels):
            raise ValueError(f"panels={panels!r} must be some of {', '.join(PANELS)}.")
        empty = [panel for panel in panels if not any(self._values(panel))]
        if empty:
            raise ValueError(
                f"panels={panels!r}: there are no values of {', '.join(empty)}; pass "
                "X_val and y_val to fit to have scores (lbfgs has no learning rate)."
            )
        return list(panels)

    def _values(self, panel):
        """Network's number, its name, what was measured, and the values."""
        for i, (name, history) in enumerate(self.histories.items()):
            for quantity in filter(None, PANELS[panel]):
                values = np.asarray(history.get(quantity, []), dtype=float)
                if not np.isnan(values).all():
                    yield i, name, quantity, values

    def _best(self, name):
        best = (self.best_iterations or {}).get(name)
        n_epochs = len(next(iter(self.histories[name].values()), ()))
        return best if best and best <= n_epochs else None

    def _is_lbfgs(self):
        rates = [h.get("learning_rate", [0.0]) for h in self.histories.values()]
        return all(np.isnan(r).all() for r in rates)

    # -- drawing -------------------------------------------------------------------

    def _draw(self, panel, ax):
        curves = list(self._values(panel))
        for i, name, quantity, values in curves:
            (line,) = ax.plot(
                1 + np.arange(len(values)),
                values,
                **self._style(i, quantity),
                **self._marks(i, len(values)),
            )
            self.lines_[name, quantity] = line
            self._mark_best(ax, i, name, quantity, values)
        if self.folds:
            self._draw_means(ax, curves)
        elif len(self.histories) == 1 and self._best(curves[0][1]) is not None:
            style = {"color": text_colour(), "linestyle": ":", "linewidth": 1}
            ax.axvline(self._best(curves[0][1]), **style)
        finite = np.concatenate([values[np.isfinite(values)] for *_, values in curves])
        wide = finite.min() > 0 and finite.max() > WIDE * finite.min()
        if wide and panel in ("loss", "cost"):
            ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        label = {"loss": self.loss_name, "score": self.score_name, **OTHER_NAMES}
        ax.set_ylabel(label[panel])
        ax.grid(alpha=0.3)

    def _style(self, i, quantity):
        validation = quantity.startswith("val_")
        style = {"linestyle": "--" if validation else "-"}
        if len(self.histories) == 1 or self.folds:
            colour = self._colours[1 if validation else 0]
            if quantity == "learning_rate":
                colour = text_colour()
            thin = {"linewidth": 0.8, "alpha": 0.5} if self.folds else {}
            return {**style, "color": colour, **thin}
        return {**style, "color": self._colours[i % len(self._colours)]}

    def _marks(self, i, n_epochs):
        """Marks on some epochs of a curve, those of other networks beside them."""
        n_networks = len(self.histories)
        if n_networks == 1 or self.folds:
            return {"marker": "." if n_epochs == 1 else None}
        every = max(1, round(n_epochs / N_MARKS))
        marks = {"marker": self._marker(i), "markersize": 5}
        return {**marks, "markevery": (i * every // n_networks % n_epochs, every)}

    def _marker(self, i):
        """Another one each time that the colours begin anew."""
        return MARKERS[(i + i // len(self._colours)) % len(MARKERS)]

    def _mark_best(self, ax, i, name, quantity, values):
        best = self._best(name)
        if best is None or self.folds or not quantity.startswith("val_"):
            return
        style = {**self._style(i, quantity), **STAR}
        ax.plot(best, values[best - 1], markeredgecolor=text_colour(), **style)

    def _draw_means(self, ax, curves):
        for quantity in dict.fromkeys(quantity for _, _, quantity, _ in curves):
            folds = [values for _, _, q, values in curves if q == quantity]
            n_epochs = min(map(len, folds))
            mean = np.mean([values[:n_epochs] for values in folds], axis=0)
            style = self._style(0, quantity) | {"linewidth": 2.2, "alpha": 1}
            (line,) = ax.plot(1 + np.arange(n_epochs), mean, **style)
            self.lines_["mean", quantity] = line

    def _title(self):
        lengths = [len(next(iter(h.values()), ())) for h in self.histories.values()]
        what = "iterations" if self._is_lbfgs() else "epochs"
        least, most = min(lengths), max(lengths)
        n_epochs = f"{most}" if least == most else f"{least} to {most}"
        if self.folds:
            return f"Training on {len(lengths)} folds, {n_epochs} {what}"
        if len(lengths) > 1:
            return f"Training of {len(lengths)} networks, {n_epochs} {what}"
        return f"Training of {next(iter(self.histories))}, {n_epochs} {what}"

    def _add_legend(self):
        from matplotlib.lines import Line2D

        grey = {"color": text_colour()}
        measured = {quantity for _, quantity in self.lines_}
        validated = {"val_loss", "val_score"} & measured
        single = len(self.histories) == 1 or self.folds
        first, second = self._colours[:2] if single else [text_colour()] * 2
        handles = {}
        if not single:
            for i, name in enumerate(self.histories):
                style = {"color": self._colours[i % len(self._colours)]}
                style |= {"marker": self._marker(i), "markersize": 5}
                handles[name] = Line2D([], [], **style)
        if {"cost", "loss"} & measured and (validated or single):
            handles["training"] = Line2D([], [], color=first)
        if validated:
            handles["validation"] = Line2D([], [], color=second, linestyle="--")
        best = [self._best(name) for name in self.histories]
        if self.folds:
            handles["mean of the folds"] = Line2D([], [], linewidth=2.2, **grey)
        elif any(best) and single:
            style = {"linestyle": ":", "linewidth": 1, **grey}
            handles[f"best epoch: {best[0]}"] = Line2D([], [], **style)
        elif any(best):
            handles["best epoch"] = Line2D([], [], **STAR, **grey)
        if len(handles) > 1:
            self.ax_.legend(handles.values(), handles.keys())


def _axes_for(ax, n_panels):
    width, height = pyplot().rcParams["figure.figsize"]
    size = (width, height * (0.75 + 0.25 * n_panels))
    ratios = [4, 3, 2][:n_panels]
    return panels(ax, n_panels, 1, size, ratios, sharex=True)[:, 0]


def _history(network):
    history = getattr(network, "history_", None)
    if history is not None:
        return {**history, "cost": network.loss_curve_}
    if not hasattr(network, "loss_curve_"):
        raise ValueError(
            f"{type(network).__name__} with solver='lbfgs' has recorded nothing: use "
            "ScratchMLPClassifier or ScratchMLPRegressor, which do."
        )
    history = {"cost": network.loss_curve_}  # of scikit-learn's own
    scores = getattr(network, "validation_scores_", None)
    return history if scores is None else {**history, "val_score": scores}


def _best_iteration(network):
    if hasattr(network, "history_"):
        return network.best_iteration_
    scores = getattr(network, "validation_scores_", None)
    return None if scores is None else int(np.argmax(scores)) + 1


def _loss_name(network):
    loss = getattr(network, "loss", None)
    if hasattr(network, "classes_"):
        return "Loss (cross-entropy, nats)"
    if isinstance(loss, str):
        return f"Loss ({loss.replace('_', ' ')})"
    return "Loss"


def _score_name(network):
    scoring = getattr(network, "scoring", None)
    if scoring is None:
        scoring = "accuracy" if hasattr(network, "classes_") else "R²"
    if not isinstance(scoring, str):
        scoring = getattr(scoring, "__name__", "scoring")
    if scoring == "loss":
        scoring = "negated loss"
    return f"Score ({scoring.replace('_', ' ')})"


def _only(names, default):
    """The one name that all networks have, or else the default."""
    names = set(names)
    return names.pop() if len(names) == 1 else default
