"""
A pipeline and a grid search
============================

A network in a pipeline is a step like any other: cross-validation scales each training
part by itself, and a grid search sets the network's parameters through the pipeline.
Nothing here but the name of the class is sknet's own.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknet import ScratchMLPClassifier
from sknet.displays import HistoryDisplay

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, train_size=800, random_state=0)

# %%
# The cosine ends each training by itself, so that no candidate is cut short.

net = ScratchMLPClassifier(
    learning_rate="cosine", learning_rate_init=0.01, max_iter=30, random_state=0
)
pipeline = Pipeline([("scale", StandardScaler()), ("net", net)])
grid = {
    "net__hidden_layer_sizes": [(10,), (30,), (100,), (30, 30)],
    "net__alpha": [0.0001, 0.1, 1, 10],
}
search = GridSearchCV(pipeline, grid, cv=4).fit(X, y)
print(f"best: {search.best_params_}")
print(f"cross-validated: {search.best_score_:.1%}")
print(f"on the {len(y_test)} test digits: {search.score(X_test, y_test):.1%}")

# %%
# The score of every candidate, with its standard error over the folds. Where scores
# differ by less, the grid does not tell which candidate is better. In the results the
# parameter whose name comes last changes fastest.

table = [len(grid["net__alpha"]), len(grid["net__hidden_layer_sizes"])]
means = 100 * search.cv_results_["mean_test_score"].reshape(table)
errors = (
    100 * search.cv_results_["std_test_score"].reshape(table) / search.n_splits_**0.5
)
figure, ax = plt.subplots(layout="constrained")
image = ax.imshow(means, aspect="auto")
for (row, column), mean in np.ndenumerate(means):
    text = f"{mean:.1f}\n± {errors[row, column]:.1f}"
    dark = mean < (means.min() + means.max()) / 2
    ax.text(column, row, text, ha="center", va="center", color="w" if dark else "k")
ax.set_xticks(range(table[1]), grid["net__hidden_layer_sizes"])
ax.set_yticks(range(table[0]), grid["net__alpha"])
ax.set(xlabel="hidden_layer_sizes", ylabel="alpha", title="Cross-validated accuracy, %")
figure.colorbar(image, ax=ax)

# %%
# The training of the network that was best, once more on all of these digits. A display
# finds it in the search and in the pipeline.

HistoryDisplay.from_estimator(search)
plt.show()
