"""The scikit-learn layer: from an estimator's parameters to training, and back."""
