"""
Dropout and augmentation
========================

With few samples a network learns them by heart. Dropout leaves out half of the units in
each step, so that none can rely on another; augmentation moves, turns and slants the
digits a little, so that none is ever seen twice. Which of them helps with digits, and
by how much, is measured on five splits.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier
from sknet.augment import RandomAffine

X, y = load_digits(return_X_y=True)
X = (X / 16).astype("float32")
affine = RandomAffine((8, 8), rotation=10, scale=0.1, shear=0.1, shift=0.5)

# %%
# One digit, and what augmentation makes of it in nine steps.

moved = affine(np.repeat(X[:1], 9, axis=0), np.random.default_rng(0))
figure, axes = plt.subplots(1, 10, figsize=(10, 1.4), layout="constrained")
for i, image in enumerate([X[0], *moved]):
    axes[i].imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
    axes[i].set(title="as it is" if i == 0 else "", xticks=[], yticks=[])

# %%
# All train on the same 300 digits, equally long and from the same initial weights. With
# moved digits dropout is set lower.

kinds = {
    "neither": {},
    "dropout": {"dropout": 0.5, "input_dropout": 0.1},
    "augmentation": {"augment": affine},
    "both": {"augment": affine, "dropout": 0.3, "input_dropout": 0.1},
}
scores = {name: [] for name in kinds}
for seed in range(5):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=300, stratify=y, random_state=seed
    )
    for name, parameters in kinds.items():
        net = ScratchMLPClassifier((200,), batch_size=50, max_iter=100, **parameters)
        net.set_params(learning_rate="cosine", learning_rate_init=0.01)
        net.set_params(n_iter_no_change=np.inf, random_state=seed)
        scores[name].append(net.fit(X_train, y_train).score(X_test, y_test))

# sphinx_gallery_thumbnail_number = 2

# %%
# A line is a split. Splits differ as much as methods do: it is the slopes that count.
# Moved digits help more than dropout does.

figure, ax = plt.subplots(layout="constrained")
lines = np.array(list(scores.values()))
names = [f"{name}\nmean: {np.mean(scores[name]):.1%}" for name in scores]
ax.plot(names, lines, "o-", color="0.7")
ax.plot(names, lines.mean(axis=1), "C1D-", lw=3, ms=8, label="mean")
ax.set(title="Trained on 300 digits", ylabel=f"Accuracy, {len(y_test)} other digits")
ax.legend()
plt.show()
