"""
Saving and exporting a network
==============================

Who is to predict decides how a network is saved: by joblib for sknet itself, as an
``MLPClassifier`` for scikit-learn, as JSON for any language, as ONNX for its runtimes.
Each is read back here, and predicts what the network predicts.
"""

import json
from copy import deepcopy
from importlib.util import find_spec
from io import BytesIO

import joblib
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier
from sknet.export import to_json, to_onnx, to_sklearn

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
net = ScratchMLPClassifier((50,), learning_rate="cosine", max_iter=30, random_state=0)
net.fit(X, y)
sizes, probas = {}, {}

# %%
# What joblib saves has all that training needs to go on, ``compact()`` leaves only what
# predicts. Here it goes to memory; pass a path to have a file. Load only files that you
# trust: like any pickle, they can run code.

for name, model in {
    "joblib": net,
    "joblib, compact": deepcopy(net).compact(),
    "MLPClassifier": to_sklearn(net),
}.items():
    file = BytesIO()
    joblib.dump(model, file)
    sizes[name] = file.tell()
    file.seek(0)
    probas[name] = joblib.load(file).predict_proba(X_test)

# %%
# JSON is text. A reader in any language needs these lines, with its own functions for
# the activation and the link that the text names: here relu and softmax.

text = to_json(net)
sizes["JSON"] = len(text)
a = X_test
for layer in json.loads(text)["layers"]:
    z = a @ np.array(layer["weights"]) + layer["biases"]
    a = np.maximum(z, 0) if layer["activation"] == "relu" else z
probas["JSON"] = softmax(a, axis=1)

# %%
# ONNX needs two packages, one to write and one to predict.

if find_spec("onnx") and find_spec("onnxruntime"):
    import onnxruntime

    model = to_onnx(net).SerializeToString()
    sizes["ONNX"] = len(model)
    session = onnxruntime.InferenceSession(model)
    probas["ONNX"] = session.run(["probabilities"], {"X": X_test})[0]

# %%
# How large each is, and how far the probabilities are from the network's.

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
bars = ax.barh(list(sizes), np.array(list(sizes.values())) / 1024)
errors = [abs(proba - net.predict_proba(X_test)).max() for proba in probas.values()]
ax.bar_label(bars, [f"{error:.0e}" if error else "0" for error in errors], padding=3)
ax.set(title="A network, saved", xlabel="Size, KiB; at the bars: largest difference")
ax.invert_yaxis()
plt.show()
