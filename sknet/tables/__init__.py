"""A pipeline for tables: numbers, categories and gaps made ready for a network.

:func:`tabular_pipeline` puts parts of scikit-learn together with those of this package:
a transformer that keeps outliers within a limit, and a classifier or regressor that
chooses how long to train, and whether to encode numbers, on rows that it holds out.
"""

from sknet.tables.classifier import TableClassifier
from sknet.tables.columns import as_numbers, as_text, category_columns, number_columns
from sknet.tables.encodings import PiecewiseLinear, SmoothClipper
from sknet.tables.pipeline import tabular_pipeline
from sknet.tables.recipe import CANDIDATES, RECIPE, rows_of_a_batch
from sknet.tables.regressor import TableRegressor

__all__ = [
    "CANDIDATES",
    "RECIPE",
    "PiecewiseLinear",
    "SmoothClipper",
    "TableClassifier",
    "TableRegressor",
    "as_numbers",
    "as_text",
    "category_columns",
    "number_columns",
    "rows_of_a_batch",
    "tabular_pipeline",
]
