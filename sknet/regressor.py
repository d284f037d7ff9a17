"""The regressor: numbers to the network's outputs and back, in scikit-learn's terms."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score

from sknet._sklearn.base import NetworkEstimator, by_steps_only, checks_parameters
from sknet._sklearn.numbers import (
    Numbers,
    in_moderate_units,
    levels_of,
    moments,
    n_targets_of,
)
from sknet._sklearn.parameters import RegressorParameters, constraints_of
from sknet._sklearn.responses import derivative_of_estimate
from sknet._sklearn.samples import Samples, weights_of
from sknet.losses import Loss
from sknet.regression_losses import (
    DOMAINS,
    LINKS,
    LOSSES_OF_NUMBERS,
    NumberTargets,
    check_derivative,
    from_functions,
    huber,
    quantile,
)


class ScratchMLPRegressor(RegressorMixin, NetworkEstimator, RegressorParameters):
    """Multilayer perceptron regressor, in NumPy and SciPy.

    A drop-in for scikit-learn's ``MLPRegressor``: same parameters, same attributes
    and, for the same ``random_state``, the same model up to rounding, faster.

    It minimises the mean loss of the training targets with a penalty on the squared
    weights, the J of :mod:`sknet.backprop`, by backpropagation.

    Parameters
    ----------
    loss : str or tuple of two callables, default="squared_error"
        What is minimised (:mod:`sknet.regression_losses`):

        - "squared_error": half the squared error;
        - "absolute_error", which estimates the median;
        - "huber": half the squared error up to an error of ``delta``, then linear, so
          that outliers count less;
        - "quantile": the pinball loss of ``quantile``.  Several quantiles are
          estimated by one network, an output each, and never cross;
        - "poisson" and "gamma": half the deviance of counts, and of positive numbers,
          with a log link: predictions are above 0.

        Several targets have the sum of their losses.  A pair
        ``(function, derivative)`` of functions of predictions h and targets y, arrays
        of one shape, is your own: the loss of each entry and its slope in h, which
        ``fit`` compares with differences.  "lbfgs" needs a slope that does not jump:
        it may stop early with "absolute_error" and "quantile".
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer.  ``()`` makes a linear model.
    activation : str, tuple of two callables, or list of these, default="relu"
        Function of the hidden units (:mod:`sknet.activations`): "identity",
        "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu",
        "silu" or "mish".  A list has one for each hidden layer.  A pair
        ``(f, derivative)`` of functions of arrays is your own activation; the
        derivative is written in the output of f or in its input, and ``fit`` finds
        out which and whether it is right (:mod:`sknet.custom_activations`).
    solver : {"adam", "adamw", "sgd", "lbfgs"}, default="adam"
        "adam", "adamw" (Adam with ``weight_decay``) and "sgd" train in mini-batches
        (:mod:`sknet.optimizers`); "lbfgs" is SciPy's quasi-Newton method on all
        samples at once, good for small data.
    alpha : float, default=0.0001
        Strength of the penalty alpha / (2 m) sum W^2, without the biases, where m is
        the number of rows of the *batch* (the sum of their weights on a full one).
        On a full batch it is the article's lambda.  As in ``MLPClassifier`` the same
        alpha weighs more in smaller batches, and with smaller sample weights: weights
        that sum to 1 make the penalty n_samples times as strong as weights of 1.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch; "auto" is min(200, n_samples).  The last batch of an
        epoch may be shorter.
    learning_rate : str or callable, default="constant"
        Course of the learning rate, "lbfgs" excepted (:mod:`sknet.schedules`):

        - "constant";
        - "invscaling": learning_rate_init / (t + 1)^power_t with t the number of
          samples seen, as in ``MLPClassifier``;
        - "adaptive": divided by 5 when patience runs out (``n_iter_no_change``),
          which ends training only once the rate is down to 1e-6;
        - "reduce_on_plateau": halved after every 5 epochs without improvement (every
          ``n_iter_no_change // 2`` if that is less) until patience runs out;
        - "cosine": down to 0 by half a cosine wave, after a rise of length
          ``warmup``;
        - "one_cycle": up from 1/25 of learning_rate_init in the first 30 % of training
          and down to 1/250000 of it, each by half a cosine wave;
        - a function from the fraction of training done, 0 to 1, to a factor on
          learning_rate_init.

        The last three change from step to step and take ``max_iter`` epochs as the
        length of training, each call of ``fit`` for itself: with ``warm_start`` they
        begin anew (a warm restart).  Patience may end training before they do;
        ``n_iter_no_change=np.inf`` keeps it from that.  ``partial_fit``, which has no
        end to count towards, refuses them.
    learning_rate_init : float, default=0.001
        Learning rate at the start; for "cosine" and "one_cycle" the highest one.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Maximum number of epochs ("lbfgs": iterations) of a call of ``fit``.
    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.
    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the held-out rows and the shuffles, in this order.
        Dropout and augmentation draw from streams of their own that it seeds.
    tol : float, default=1e-4
        Smallest change of loss, or of the validation score, that counts as
        improvement, a loss in the units of ``loss_``; for "lbfgs" the largest gradient
        entry at which it stops (it also stops when SciPy finds that the cost hardly
        changes).
    verbose : bool or int, default=False
        1 or True shows a progress bar, if rich or tqdm is installed, else one line at
        the end; 2 and more print a line for each epoch.  Nothing is printed by
        ``partial_fit``, nor in other processes and threads, such as a search's.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the last call's weights (with a validation set the
        best), optimizer memory and random stream instead of starting afresh.
    momentum : float in [0, 1], default=0.9
        Momentum of "sgd"; 0 is plain gradient descent.
    nesterovs_momentum : bool, default=True
        Whether the momentum of "sgd" is Nesterov's.
    early_stopping : bool, default=False
        Whether to stop when the score (``scoring``) on a validation set no longer
        improves: the one given to ``fit``, or else ``validation_fraction`` of the
        samples, which are held out for it.  The weights that scored best are kept.
    validation_fraction : float in [0, 1), default=0.1
        Fraction of the samples that early stopping holds out.
    beta_1 : float in [0, 1), default=0.9
        Decay of Adam's mean of the gradient.
    beta_2 : float in [0, 1), default=0.999
        Decay of Adam's mean of the squared gradient.
    epsilon : float, default=1e-8
        Keeps Adam from dividing by zero.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement that are tolerated; one more ends training.
    max_fun : int, default=15000
        Maximum number of evaluations of the cost by "lbfgs".
    weight_init : {"auto", "uniform", "he", "lecun"}, default="auto"
        Distribution of the initial weights (:mod:`sknet.initializers`): "auto" is
        Glorot's as ``MLPClassifier`` draws it for the four activations that it has,
        and for the others uniform of the variance that keeps signals as large in
        every layer; "uniform" is the article's [-1, 1].
    dtype : {"float32", "float64"} or None, default=None
        Type of weights, optimizer memory and predictions; by default that of X
        (float64 where X is neither).
    warmup : float in [0, 1), default=0.0
        Fraction of training in which the rate of "cosine" rises from 0, at the first
        step, in a straight line.
    dropout : float in [0, 1), or list of these, default=0.0
        Probability that a hidden unit is left out in a step of training, or one such
        number for each hidden layer (:mod:`sknet.dropout`).  Not for "lbfgs".
    input_dropout : float in [0, 1), default=0.0
        Probability that a feature of a sample is set to 0 in a step of training.  Not
        for "lbfgs".
    weight_decay : float, default=0.01
        Rate at which "adamw" shrinks the weights, biases excepted: in each step by the
        factor 1 - learning rate * weight_decay.  Unlike ``alpha``, which acts too
        unless it is 0, it does not depend on the batch.
    max_grad_norm : float or None, default=None
        Longest gradient (Euclidean norm) that a step takes as it is; a longer one is
        shortened to it (:func:`sknet.optimizers.clip`).  Not for "lbfgs".
    augment : callable or None, default=None
        ``augment(X_batch, rng)`` returns what to train on in the place of a batch's
        samples, an array of the same shape, anew in each step; ``rng`` is a
        ``numpy.random.Generator``.  See :mod:`sknet.augment`.  Not for "lbfgs", nor
        for a sparse X.
    scoring : str, callable or None, default=None
        What the best weights score best by on the validation set, and what early
        stopping watches: None is R² (of several
        quantiles D², see ``score``), "loss" the negated loss, anything else
        a scorer of scikit-learn, by its name or as ``scorer(estimator, X, y)``, which
        also gets ``sample_weight`` where there are weights.
    delta : float > 0, default=1.0
        Error from which on "huber" is linear; with ``target_scaling`` in standard
        deviations of the target.
    quantile : float in (0, 1), or list of these, default=0.5
        What "quantile" estimates; a list in ascending order.
    target_scaling : {"standard"} or None, default=None
        "standard" trains on (y - mean) / standard deviation of each target, weighted,
        and predicts in the units of y: training is then the same whatever these are.
        Both are learned with the first weights, by the first call of ``partial_fit``
        say, and kept when training goes on.  Not for "poisson" and "gamma".  Targets
        much larger or smaller than 1 want it: a learning rate, ``alpha`` and ``tol``
        suit one size of targets.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of each layer.  The arrays are views on the model: changing them
        changes it, until it is trained again.
    intercepts_ : list of ndarray of shape (n_units,)
        Biases of each layer, views likewise.
    loss_ : float
        Cost of the last epoch (penalty included), in the units that training has:
        with ``target_scaling`` those of scaled targets, as everywhere in
        ``loss_curve_`` and ``history_``.  Scores are in the units of y.
    best_loss_ : float or None
        Lowest cost of an epoch; None with ``early_stopping``.
    loss_curve_ : list of float
        Cost of each epoch, of the last 100 calls under ``partial_fit``.
    history_ : dict of list of float
        What was measured in each epoch (in the last 100 calls under ``partial_fit``),
        lists of equal length:

        - "loss": mean loss of its batches, each before its step, dropout off; augmented
          samples are in it, as trained on;
        - "penalty": mean penalty, ``loss_curve_`` less the loss;
        - "learning_rate" and "grad_norm", the Euclidean norm of the gradient before it
          was clipped: those of its last step ("lbfgs" has no learning rate: NaN);
        - "seconds": the time that it took, validation included;
        - "val_loss" and "val_score": loss and score on the validation set after it, if
          there is one.
    validation_scores_ : list of float or None
        Score on the validation set after each epoch, if there is one.
    best_validation_score_ : float or None
        Score of the weights kept, the highest of them.  A warm start first scores the
        weights that it goes on from again: ``X_val`` may be another one.
    best_iteration_ : int or None
        The first epoch with that score, counted from 1 over all calls of ``fit`` that
        went on from each other: the weights kept are those at its end.  None, like the
        two before, once training has gone on without a validation set.
    n_iter_ : int
        Epochs (iterations of "lbfgs") of the last call.
    t_ : int
        Samples trained on so far, all epochs counted.
    n_layers_ : int
        Number of layers, inputs and outputs included.
    n_outputs_ : int
        Number of outputs: one for each target, or quantile.
    out_activation_ : {"identity", "exp"}
        Link of the outputs; "exp" for "poisson" and "gamma".
    target_mean_, target_scale_ : ndarray of shape (n_targets,) or None
        Mean and standard deviation of the targets; None without ``target_scaling``.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    Notes
    -----
    Training goes on from a pickle or any other copy exactly as it would have without:
    the optimizer's memory is in it, which with Adam makes it three times as large as
    the weights.  ``compact`` drops what only training needs.  The order of the samples
    and the rows held out are remembered with ``warm_start`` and by ``partial_fit``
    only; after another ``fit`` they begin anew, copied or not.

    With scikit-learn 1.9 or later ``set_callbacks`` takes its callbacks, any
    ``FitCallback`` and those of :mod:`sknet.callbacks`; ``fit`` is a task for them and
    each epoch a task in it.  They are experimental in scikit-learn.

    Ctrl-C ends a fit, not the program: the weights of the last complete step, or those
    that did best on a validation set, are kept, a warning says so, and what follows
    goes on.  In a search it ends one fit, and the search goes on with the next.

    References
    ----------
    Rumelhart, Hinton and Williams, *Learning representations by back-propagating
    errors*, Nature 323, 1986.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknet import ScratchMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> net = ScratchMLPRegressor(
    ...     hidden_layer_sizes=(10,),
    ...     alpha=3.0,
    ...     learning_rate="cosine",
    ...     learning_rate_init=0.01,
    ...     max_iter=100,
    ...     target_scaling="standard",
    ...     random_state=0,
    ... )
    >>> model = make_pipeline(StandardScaler(), net).fit(X_train, y_train)
    >>> model.score(X_test, y_test) > 0.3
    True

    An interval and a median from one network:

    >>> _ = net.set_params(loss="quantile", quantile=[0.05, 0.5, 0.95])
    >>> low, median, high = model.fit(X_train, y_train).predict(X_test).T
    >>> bool((low <= median).all() and (median <= high).all())
    True
    """

    _parameter_constraints = constraints_of(RegressorParameters)
    _own_scorings = (None,)
    _y_numeric = True
    _n_targets: int | None
    _levels: list[float] | None
    _spread: float
    target_mean_: NDArray[Any] | None
    target_scale_: NDArray[Any] | None

    @by_steps_only
    @checks_parameters
    def partial_fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None
    ) -> ScratchMLPRegressor:
        """Train on for one epoch over X and y.

        k calls with the same data make the model of ``fit`` with ``max_iter=k``.
        Nothing is printed, and callbacks are not called: the loop that they would watch
        is the caller's.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.  With ``target_scaling`` those of the first call set the scale
            for all.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, 0 or more; their scale matters beside ``alpha``, as in ``fit``.

        Returns
        -------
        self : ScratchMLPRegressor

        Raises
        ------
        ValueError
            For data that cannot be trained on, with ``early_stopping``, which one
            epoch has no use for, or with a ``learning_rate`` that needs to know how
            long training will last.
        """
        self._fit_one_epoch(X, y, sample_weight)
        return self

    # -- what targets are: the hooks of NetworkEstimator --------------------------

    def _learn_targets(
        self, samples: Samples, going_on: bool, **of_targets: Any
    ) -> tuple[Numbers, Samples]:
        levels = levels_of(self.quantile) if self.loss == "quantile" else None
        if isinstance(self.loss, tuple):
            check_derivative(*self._own_loss())
        samples = samples.weighted(None)
        if going_on:
            self._check_going_on()
            numbers = self._numbers._replace(levels=levels)
        else:
            dtype = np.dtype(self.dtype or samples.X.dtype)
            numbers = Numbers(n_targets_of(samples.y), levels, dtype)
        if levels is not None and numbers.n_targets is not None:
            raise ValueError(
                f"loss='quantile' needs a single target, y has {numbers.n_targets}: "
                "fit one estimator for each (MultiOutputRegressor)."
            )
        if self._has_domain:
            least, open_ = DOMAINS[self.loss]
            numbers = numbers._replace(least=least, open=open_)
        if not going_on and self.target_scaling is not None:
            numbers = numbers.scaled(samples)
        samples = numbers.encode(samples)
        spread = moments(samples.y, samples.sample_weight)[1].max()
        return numbers._replace(spread=float(spread)), samples

    def _check_going_on(self) -> None:
        """Refuse another scale of the targets than that of the weights."""
        if (self.target_scaling is None) != (self.target_mean_ is None):
            was = "None" if self.target_mean_ is None else "'standard'"
            raise ValueError(
                "training can only go on with the scale that it began with: "
                f"target_scaling was {was} and is now {self.target_scaling!r}; set it "
                "back, or fit with warm_start=False."
            )

    @property
    def _numbers(self) -> Numbers:
        """What training has learned of the targets."""
        return Numbers(
            self._n_targets,
            self._levels,
            self._theta.dtype,
            mean=self.target_mean_,
            scale=self.target_scale_,
        )

    @property
    def _has_domain(self) -> bool:
        """Whether the loss is defined for positive targets only."""
        return isinstance(self.loss, str) and self.loss in DOMAINS

    def _out_activation(self, targets: Numbers) -> str:
        if not self._has_domain:
            return "identity"
        if self.target_scaling is not None:
            raise ValueError(
                f"target_scaling={self.target_scaling!r} does not go with loss="
                f"{self.loss!r}, whose targets must stay positive: set it to None."
            )
        return "exp"

    def _targets(self, y: NDArray[Any]) -> NumberTargets:
        return NumberTargets(y, self._theta.dtype)

    def _own_loss(self) -> tuple[Any, Any]:
        """The user's pair of functions."""
        if len(self.loss) != 2 or not all(map(callable, self.loss)):
            raise ValueError(
                f"loss={self.loss!r} must be a name or a tuple of two functions, "
                "(function, derivative)."
            )
        return self.loss

    def _loss(self) -> Loss:
        if isinstance(self.loss, tuple):
            return from_functions(*self.loss)
        if self.loss == "huber":
            return huber(self.delta)
        if self.loss == "quantile":
            return quantile(levels_of(self.quantile))
        return LOSSES_OF_NUMBERS[self.loss]

    def _score(
        self, raw: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> float:
        if len(y) < 2:
            raise ValueError(
                "R² needs two samples or more to validate on, got one: add some, or "
                "set scoring='loss'."
            )
        h = self._link(raw.T.copy()).T
        if not np.isfinite(h).all():
            return -np.inf
        return self._score_of(self._decode(h), self._decode(y), sample_weight)

    def _score_of(self, h: NDArray[Any], y: Any, sample_weight: Any) -> float:
        """R², or the mean D² of several quantiles, of predictions."""
        y, h = in_moderate_units(y, h)
        if sample_weight is not None:
            (sample_weight,) = in_moderate_units(sample_weight)
        if self._levels is None or len(self._levels) == 1:
            return float(r2_score(y, h, sample_weight=sample_weight))
        scores = [
            d2_pinball_score(y, column, sample_weight=sample_weight, alpha=level)
            for column, level in zip(h.T, self._levels, strict=True)
        ]
        return float(np.mean(scores))

    def _decode(self, y: NDArray[Any]) -> NDArray[Any]:
        return self._numbers.decode(y)

    def _advice(self, cost: float) -> str:
        if self._has_domain or self._spread < 10 or cost < 0.1 * self._spread:
            return ""
        return (
            "set target_scaling='standard', as the targets' standard deviation is "
            f"{self._spread:.3g}"
        )

    # -- prediction --------------------------------------------------------------

    @property
    def _link(self) -> Any:
        """From raw outputs to predictions in the units of training, in place."""
        return LINKS[self.out_activation_ if self._levels is None else "ascending"]

    def predict(self, X: Any) -> NDArray[Any]:
        """Estimates of the targets of samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the units of the targets that the network was trained on, a column for
            each of several targets, or of several quantiles, which never cross.

        Raises
        ------
        ValueError
            For an X so large that outputs overflow.
        """
        return self._decode(self._predicted(X, lambda z: self._link(z)))

    def input_gradients(self, X: Any, target: int | None = None) -> NDArray[Any]:
        """What of each sample makes its estimate larger: the gradient of it in x.

        With f_c the column of output c of what ``predict`` returns, here it is

        ``gradient[i, k] = d f_c(X[i]) / d X[i, k]``

        in units of the target per unit of the feature, by backpropagation that goes on
        to the inputs (:func:`sknet.backprop.backpropagate`).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.  A sparse X stays sparse; its gradients are dense.
        target : int, default=None
            Number of the output c, from 0; needed if there are several.

        Returns
        -------
        gradients : ndarray of shape (n_samples, n_features)
            In the type of the weights.

        Raises
        ------
        ValueError
            For what is no output, or an X so large that outputs overflow.

        Examples
        --------
        >>> from sklearn.datasets import make_regression
        >>> from sknet import ScratchMLPRegressor
        >>> X, y = make_regression(n_features=3, random_state=0)
        >>> net = ScratchMLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, y)
        >>> bool(np.allclose(net.input_gradients(X), net.coefs_[0].ravel()))
        True
        """
        X = self._validated(X)
        n_outputs = self.n_outputs_
        output = 0 if target is None and n_outputs == 1 else target
        number = isinstance(output, Integral) and not isinstance(output, bool)
        if not number or output not in range(n_outputs):
            raise ValueError(
                f"target={target!r} must be the number of one of the {n_outputs} "
                f"outputs, 0 to {n_outputs - 1}."
            )
        link = self.out_activation_ if self._levels is None else "ascending"

        def derivative(z: NDArray[Any], rows: slice) -> NDArray[Any]:
            return derivative_of_estimate(z, output, link, self.target_scale_)

        return self._input_gradients(X, derivative)

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """R² of the predictions; of several quantiles, the mean D² of pinball losses.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.

        Returns
        -------
        score : float
            1 at best; 0 for the best constant.
        """
        y_pred = self.predict(X)
        sample_weight = weights_of(sample_weight, y_pred.shape[0])
        with np.errstate(invalid="ignore"):  # infinities of both signs are added up
            return self._score_of(y_pred, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = self.loss != "quantile"
        tags.target_tags.positive_only = self._has_domain
        return tags
