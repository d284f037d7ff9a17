"""The classifier: labels to the network's outputs and back, in scikit-learn's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax
from scipy.special import softmax as softmax_of
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score

from sknet._sklearn.base import (
    NetworkEstimator,
    by_steps_only,
    checks_parameters,
)
from sknet._sklearn.labels import (
    Labels,
    check_given,
    class_factors,
    class_indices,
    first_labels,
    learn_labels,
    named_classes,
    shown,
    told_the_classes,
)
from sknet._sklearn.parameters import ClassifierParameters, constraints_of
from sknet._sklearn.responses import RESPONSES, derivative_of_response
from sknet._sklearn.samples import Samples, weights_of
from sknet._sklearn.warn import warn
from sknet.losses import LOSSES, ClassTargets, Loss


class ScratchMLPClassifier(ClassifierMixin, NetworkEstimator, ClassifierParameters):
    """Multilayer perceptron classifier, in NumPy and SciPy.

    A drop-in for scikit-learn's ``MLPClassifier``: same parameters, same attributes
    and, for the same ``random_state``, the same model up to rounding, faster.

    It minimises the mean negative log-likelihood of the training labels with a
    penalty on the squared weights, the J of :mod:`sknet.backprop`, by
    backpropagation.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer.  ``()`` makes a linear model, logistic regression.
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
        improvement; for "lbfgs" the largest gradient entry at which it stops (it
        also stops when SciPy finds that the cost hardly changes).
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
        samples, class by class in proportion, which are held out for it.  The weights
        that scored best are kept.
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
    out_activation : {"auto", "softmax", "logistic"}, default="auto"
        Link of the outputs (:mod:`sknet.losses`).  "auto" is softmax for three or
        more classes and logistic for two and for multilabel targets; "logistic" gives
        each class an output of its own, the article's, and probabilities are then
        normalised over the classes.  "softmax" needs three or more classes.
    dtype : {"float32", "float64"} or None, default=None
        Type of weights, optimizer memory and probabilities; by default that of X
        (float64 where X is neither).
    warmup : float in [0, 1), default=0.0
        Fraction of training in which the rate of "cosine" rises in a straight line:
        over n steps, 1 / n of it at the first and all of it at the last.
    class_weight : "balanced", dict or None, default=None
        Factors on the weights of each class's samples, in training and validation: a
        dict from labels to factors (1 for labels that it lacks), or "balanced", all
        weights / (n_classes * weights of the class), which gives every class an equal
        total weight.  Not for multilabel targets; "balanced" not for ``partial_fit``.
    dropout : float in [0, 1), or list of these, default=0.0
        Probability that a hidden unit is left out in a step of training, or one such
        number for each hidden layer (:mod:`sknet.dropout`).  Not for "lbfgs".
    input_dropout : float in [0, 1), default=0.0
        Probability that a feature of a sample is set to 0 in a step of training.  Not
        for "lbfgs".
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread over all classes in equal parts,
        Y (1 - label_smoothing) + label_smoothing / n_classes, so that the network need
        not become certain (:class:`sknet.losses.ClassTargets`).
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
        stopping watches: None is the accuracy, "loss" the negated loss, anything else
        a scorer of scikit-learn, by its name or as ``scorer(estimator, X, y)``, which
        also gets ``sample_weight`` where there are weights.  X is a data frame if the
        set comes from one.  A metric of probabilities that takes ``labels`` is told
        ``classes_``, as the set may lack one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels in sorted order; for multilabel targets the column numbers.
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of each layer.  The arrays are views on the model: changing them
        changes it, until it is trained again.
    intercepts_ : list of ndarray of shape (n_units,)
        Biases of each layer, views likewise.
    loss_ : float
        Cost of the last epoch (penalty included).
    best_loss_ : float or None
        Lowest cost of an epoch; None with ``early_stopping``.
    loss_curve_ : list of float
        Cost of each epoch, of the last 100 calls under ``partial_fit``.
    history_ : dict of list of float
        What was measured in each epoch (in the last 100 calls under ``partial_fit``),
        lists of equal length:

        - "loss": mean loss of its batches, each before its step, dropout off; smoothed
          labels, augmented samples and class weights are in it, as trained on;
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
        Number of outputs: 1 for two classes.
    out_activation_ : {"softmax", "logistic"}
        Link of the outputs.
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

    Ctrl-C ends a fit, not the program: the weights of the last complete step, or those
    that did best on a validation set, are kept, a warning says so, and what follows
    goes on.  In a search it ends one fit, and the search goes on with the next.

    With scikit-learn 1.9 or later ``set_callbacks`` takes its callbacks, any
    ``FitCallback`` and those of :mod:`sknet.callbacks`; ``fit`` is a task for them and
    each epoch a task in it.  They are experimental in scikit-learn.

    References
    ----------
    Rumelhart, Hinton and Williams, *Learning representations by back-propagating
    errors*, Nature 323, 1986.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sknet import ScratchMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> net = ScratchMLPClassifier((30,), learning_rate_init=0.01, random_state=0)
    >>> net.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True

    The same with what keeps a network from overfitting, and validated on the way:

    >>> net = ScratchMLPClassifier(
    ...     (100,),
    ...     solver="adamw",
    ...     learning_rate="cosine",
    ...     learning_rate_init=0.01,
    ...     dropout=0.3,
    ...     label_smoothing=0.1,
    ...     max_iter=20,
    ...     random_state=0,
    ... )
    >>> net = net.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    >>> net.history_["val_score"][net.best_iteration_ - 1] == net.score(X_test, y_test)
    True
    """

    _parameter_constraints = constraints_of(ClassifierParameters)
    _own_scorings = (None, "accuracy")
    _kind: str
    _sparse_labels: bool
    classes_: NDArray[Any]

    @by_steps_only
    @checks_parameters
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> ScratchMLPClassifier:
        """Train on for one epoch over X and y.

        k calls with the same data make the model of ``fit`` with ``max_iter=k``.
        Nothing is printed, and callbacks are not called: the loop that they
        would watch is the caller's.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels, or a multilabel indicator of 0 and 1 (-1 and 1 is refused); not all
            classes need to be among them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, 0 or more; their scale matters beside ``alpha``, as in ``fit``.
            Of samples whose classes all have the weight 0 nothing is learned: a first
            call only makes the network ready.
        classes : array-like of shape (n_classes,), default=None
            All classes there will ever be; the first call needs it, unless y is
            multilabel.  A single one makes a model that always predicts it.

        Returns
        -------
        self : ScratchMLPClassifier

        Raises
        ------
        ValueError
            For data that cannot be trained on, labels that are not among the classes,
            with ``early_stopping``, which one epoch has no use for, with a
            ``learning_rate`` that needs to know how long training will last, or with
            ``class_weight="balanced"``, which needs all samples.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "partial_fit does not support class_weight='balanced', which needs all "
                "samples: pass a dict such as compute_class_weight('balanced', ...) of "
                "scikit-learn gives, or sample_weight."
            )
        self._fit_one_epoch(X, y, sample_weight, classes=classes)
        return self

    # -- what targets are: the hooks of NetworkEstimator --------------------------

    def _check_given(self, y: Any, name: str) -> None:
        check_given(y, name)

    def _learn_targets(
        self,
        samples: Samples,
        going_on: bool,
        incremental: bool = False,
        classes: Any = None,
    ) -> tuple[Labels, Samples]:
        if going_on:
            labels = self._labels_to_go_on_with(samples.y, incremental, classes)
        else:
            y = samples.y
            labels = first_labels(y, classes) if incremental else learn_labels(y)
        if incremental and not going_on:
            samples = labels.encode(samples, remedy="classes must name all labels")
        else:
            samples = labels.encode(samples)
        if labels.only_one and not going_on:
            warn(
                f"{'classes' if incremental else 'y'} contains only one class, "
                f"{shown(labels.classes)}: the model always predicts it."
            )
        factors = class_factors(self.class_weight, labels, samples)
        if factors is None:
            return labels, samples
        return labels._replace(factors=factors), samples.weighted(factors[samples.y])

    def _labels_to_go_on_with(self, y: Any, incremental: bool, classes: Any) -> Labels:
        """The model's labels, once it is sure that those of this call go with them."""
        labels = self._labels
        if not incremental:
            labels.check_same(
                learn_labels(y).classes,
                "warm_start can only go on with the classes that it began with: y has "
                "{}, the model {}.",
            )
        elif classes is not None:
            labels.check_same(
                named_classes(classes),
                "classes={} is not the same as the model's classes, {}, which stay as "
                "they were when training began: pass these, or None.",
            )
        return labels

    @property
    def _labels(self) -> Labels:
        """What training has learned of the labels."""
        return Labels(self._kind, self.classes_, self._sparse_labels)

    def _out_activation(self, targets: Labels) -> str:
        if targets.only_one:  # of which the softmax alone is certain from the start
            return "softmax"
        if self.out_activation == "softmax" and targets.kind != "multiclass":
            raise ValueError(
                f"out_activation='softmax' needs three or more classes, y is "
                f"{targets.kind}: use 'auto' or 'logistic'."
            )
        if self.out_activation == "auto":
            return "softmax" if targets.kind == "multiclass" else "logistic"
        return self.out_activation

    def _targets(self, y: NDArray[Any], smoothing: float = 0.0) -> ClassTargets:
        n_outputs, n_classes = self.n_outputs_, len(self.classes_)
        return ClassTargets(y, n_outputs, self._theta.dtype, smoothing, n_classes)

    def _training_targets(self, y: NDArray[Any]) -> ClassTargets:
        return self._targets(y, self.label_smoothing)

    def _loss(self) -> Loss:
        return LOSSES[self.out_activation_]

    def _score(
        self, raw: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> float:
        right = self._labels.decide(raw) == y
        if right.ndim == 2:  # all labels of a sample must be right
            right = right.all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def _check_some_left(self, samples: Samples) -> None:
        """Raise a ValueError if class weights of 0 have left no sample."""
        if not samples.X.shape[0]:
            raise ValueError(
                f"class_weight={self.class_weight} gives all samples the weight 0: "
                "give one of their classes a weight above 0."
            )

    def _strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return y if y.ndim == 1 else None

    def _decode(self, y: NDArray[Any]) -> NDArray[Any]:
        return self._labels.decode(y)

    def _lacking(self, y: NDArray[Any]) -> list[Any]:
        return self._labels.lacking(y)

    def _scorer(self) -> Callable[..., Any]:
        return told_the_classes(super()._scorer(), self._labels)

    # -- prediction --------------------------------------------------------------

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class of each sample, or its labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or for multilabel targets an indicator of 0 and 1, sparse
            where y was sparse in training.
        """
        raw = self._predicted(X)
        labels = self._decode(self._labels.decide(raw))
        return sparse.csr_matrix(labels) if self._sparse_labels else labels

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Raw outputs: logits.

        ``MLPClassifier`` has no such method, so ``CalibratedClassifierCV``, which
        prefers it to ``predict_proba``, calibrates other numbers there.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        raw : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            For two classes the log-odds of the second; a single class has a column,
            though it needs none.
        """
        raw = self._predicted(X)
        return raw[:, 0] if self._kind == "binary" else raw

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probability of each class, or of each label.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; rows sum to 1 but for multilabel.
            Above 0 and below 1, however sure the network is; those of an only class
            are 1.
        """
        return self._predicted(X, self._probabilities)

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Logarithm of each probability, finite however small the probability is.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
        """
        return self._predicted(X, self._log_probabilities)

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy: the fraction of samples whose label is predicted.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Their labels; with several labels a sample, all of them must be right.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.

        Returns
        -------
        score : float
            Between 0 and 1.
        """
        y_pred = self.predict(X)
        sample_weight = weights_of(sample_weight, y_pred.shape[0])
        with np.errstate(invalid="ignore"):  # infinities of both signs are added up
            return float(accuracy_score(y, y_pred, sample_weight=sample_weight))

    def input_gradients(
        self, X: Any, target: Any = None, response_method: str = "decision_function"
    ) -> NDArray[Any]:
        """What of each sample speaks for a class: the gradient in x of its output.

        With f_c the column of class c of what ``response_method`` returns, here it is

        ``gradient[i, k] = d f_c(X[i]) / d X[i, k]``

        by backpropagation that goes on to the inputs
        (:func:`sknet.backprop.backpropagate`).  Where it is positive a larger feature
        makes the class more likely, to first order.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.  A sparse X stays sparse; its gradients are dense.
        target : class label, or array-like of shape (n_samples,), default=None
            The class c of all samples, or one for each; by default the one predicted.
            Of multilabel targets the number of the label, which must be given.
        response_method : str, default="decision_function"
            What f is: "decision_function", the raw output, which of two classes is the
            log-odds of the one that is asked about; "predict_log_proba", whose gradient
            does not change where something is added to all raw outputs alike; or
            "predict_proba".  The gradients of the latter two are parallel, and vanish
            where the network is sure.

        Returns
        -------
        gradients : ndarray of shape (n_samples, n_features)
            In the type of the weights.

        Raises
        ------
        ValueError
            For a target that is no class, another response method, or an X so large
            that outputs overflow.

        References
        ----------
        Simonyan, Vedaldi and Zisserman, *Deep inside convolutional networks:
        visualising image classification models and saliency maps*, ICLR workshop 2014.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknet import ScratchMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = ScratchMLPClassifier((), solver="lbfgs", max_iter=1000).fit(X, y)
        >>> bool(np.allclose(net.input_gradients(X, target=2), net.coefs_[0][:, 2]))
        True
        """
        if response_method not in RESPONSES:
            raise ValueError(
                f"response_method={response_method!r} must be one of "
                f"{', '.join(RESPONSES)}."
            )
        X = self._validated(X)
        if target is not None:
            chosen = class_indices(target, self._labels, X.shape[0])
        elif self._kind == "multilabel-indicator":
            raise ValueError(
                "a multilabel model predicts any number of labels for a sample: give "
                "the number of one as target."
            )

        def derivative(z: NDArray[Any], rows: slice) -> NDArray[Any]:
            of = self._labels.decide(z.T) if target is None else chosen[rows]
            return derivative_of_response(
                z, of, self._kind, self.out_activation_, response_method
            )

        return self._input_gradients(X, derivative)

    def _probabilities(self, z: NDArray[Any]) -> NDArray[Any]:
        if len(z) == 1 and self._labels.only_one:
            return np.ones_like(z)
        if self._one_sigmoid_per_class():
            h = softmax_of(log_expit(z), axis=0)
        elif self._kind == "binary":
            h = expit(np.concatenate([-z, z]))
        else:
            h = LOSSES[self.out_activation_].inverse_link(z.copy())
        # No finite logit stands for certainty: rounding must not make it one, and
        # probabilities too small for the type stay above 0 in their order.
        limits = np.finfo(h.dtype)
        np.minimum(h, 1 - limits.epsneg, out=h)
        if np.minimum.reduce(h, axis=None) < limits.tiny:
            vanishing = h < limits.tiny
            below = limits.tiny / -self._log_probabilities(z)[vanishing]
            h[vanishing] = np.maximum(below, limits.smallest_subnormal)
        return h

    def _log_probabilities(self, z: NDArray[Any]) -> NDArray[Any]:
        if self._one_sigmoid_per_class():
            return log_softmax(log_expit(z), axis=0)
        if self._kind == "binary":
            return log_expit(np.concatenate([-z, z]))
        return LOSSES[self.out_activation_].log_inverse_link(z)

    def _one_sigmoid_per_class(self) -> bool:
        """Whether the outputs are the article's, to be normalised over the classes."""
        return self._kind == "multiclass" and self.out_activation_ == "logistic"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = True
        return tags
