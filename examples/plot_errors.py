"""
Digits that are misread
=======================

Which digits does a network take for others, and does it know when it is in doubt? All
1797 digits are judged by networks that have not seen them, and the guesses that were
least sure are refused, as a clerk would lay a letter aside.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from sknet import ScratchMLPClassifier
from sknet.displays import PredictionsDisplay

X, y = load_digits(return_X_y=True)
net = ScratchMLPClassifier(
    (100,), learning_rate="cosine", learning_rate_init=0.01, max_iter=30, random_state=0
)
folds = StratifiedKFold(5, shuffle=True, random_state=0)
proba = cross_val_predict(net, X / 16, y, cv=folds, method="predict_proba")
guesses, sure = proba.argmax(axis=1), proba.max(axis=1)

# %%
# The mistakes that it was surest of. Some of these digits would puzzle a reader, too.

PredictionsDisplay.from_predictions(X, y, guesses, proba=sure, kind="errors")

# %%
# Which digit is taken for which. The right guesses are left out.

mistakes = confusion_matrix(y, guesses)
np.fill_diagonal(mistakes, 0)
display = ConfusionMatrixDisplay(mistakes).plot(cmap="Blues")
display.ax_.set(title="Mistakes", xlabel="Guess", ylabel="Actual")

# %%
# The more of the least sure guesses are refused, whose digits a human has to read, the
# fewer of the others are wrong. Were they refused at random, the error would stay.

in_order = (guesses != y)[np.argsort(sure)]
n_refused = np.arange(len(y) // 2)
errors = np.array([in_order[n:].mean() for n in n_refused])
for share in 0, 0.02, 0.05, 0.1:
    print(
        f"{share:4.0%} refused: {errors[int(share * len(y))]:.2%} of the rest misread"
    )
figure, ax = plt.subplots(layout="constrained")
ax.plot(100 * n_refused / len(y), 100 * errors, label="the least sure ones")
ax.axhline(100 * errors[0], color="C1", ls="--", label="at random")
ax.set(title="Refused guesses", xlabel="Refused, %", ylabel="Errors in the others, %")
ax.legend()
plt.show()
