"""sknet beside MLPClassifier, PyTorch and the matrix products alone."""
