"""Ridge regression with unpenalised mean columns, in closed form from one singular value decomposition."""

import numpy as np
from typing_extensions import override

from toolkit.predictors.model import FloatArray, Groups, Model, Prediction, out_of_groups

PENALTIES = tuple(10.0 ** (exponent / 2) for exponent in range(-8, 5))
"""Candidates for the penalty, per label and standardised feature."""


class Ridge(Model):
    """w minimises |y - M b - X w|^2 + penalty * labels * |w|^2; b is free.

    Args:
        features: X, standardised, shape (labels, features).
        mean: M, shape (labels, columns), with a column of ones.
        labels: y, shape (labels,).
    """

    def __init__(self, features: FloatArray, mean: FloatArray, labels: FloatArray) -> None:
        self._y = labels
        basis, _ = np.linalg.qr(mean)
        self._basis = basis
        within = features - basis @ (basis.T @ features)
        aside = labels - basis @ (basis.T @ labels)
        left, singular, right = np.linalg.svd(within, full_matrices=False)
        self._left, self._singular, self._right = left, singular, right
        about = left.T @ aside
        free = 1 - np.sum(basis**2, axis=1)
        best = (np.inf, 0.0)
        for penalty in PENALTIES:
            shrunk = singular**2 / (singular**2 + penalty * len(labels))
            stays = np.maximum(free - left**2 @ shrunk, 1e-9)
            errors = (aside - left @ (shrunk * about)) / stays
            best = min(best, (float(np.mean(errors**2)), penalty))
        self.error, penalty = best
        self.settings = {"penalty": penalty}
        self._strength = penalty * len(labels)
        self._shrunk = singular**2 / (singular**2 + self._strength)
        self._residuals = aside - left @ (self._shrunk * about)
        self._stays = np.maximum(free - left**2 @ self._shrunk, 1e-9)
        weights = right.T @ (singular / (singular**2 + self._strength) * about)
        self.weights: FloatArray = np.asarray(weights)
        inverse = np.linalg.pinv(mean)
        self._gram, self._explained = inverse @ inverse.T, inverse @ features
        self._offset = inverse @ (labels - features @ weights)
        self._variance = float(np.mean(self._residuals**2 / self._stays))

    @override
    def predict(self, features: FloatArray, mean: FloatArray) -> Prediction:
        beside = features - mean @ self._explained
        along = beside @ self._right.T
        strength = self._strength
        spread = along**2 @ (1 / (self._singular**2 + strength))
        spread += np.maximum(np.sum(beside**2, axis=1) - np.sum(along**2, axis=1), 0) / strength
        spread += np.sum(mean @ self._gram * mean, axis=1)
        return Prediction(mean @ self._offset + features @ self.weights, np.sqrt(self._variance * spread))

    @override
    def left_out(self, groups: Groups | None = None) -> Prediction:
        if groups is None:
            errors, stays = self._residuals / self._stays, self._stays
            return Prediction(self._y - errors, np.sqrt(self._variance * np.maximum(1 / stays - 1, 0)))

        def influence(members: Groups) -> FloatArray:
            basis, left = self._basis[members], self._left[members]
            return np.asarray(np.eye(len(members)) - basis @ basis.T - (left * self._shrunk) @ left.T)

        errors = out_of_groups(self._residuals, influence, groups)
        return Prediction(self._y - errors, np.sqrt(self._variance * np.maximum(1 / self._stays - 1, 0)))
