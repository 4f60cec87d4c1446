"""A Gaussian process with unpenalised mean columns: universal kriging with leave-one-out in closed form (Dubrule 1983).

With K the kernel matrix, v the noise and N a basis of what is orthogonal to the mean columns M, let
Q = N (N' (K + v) N)^-1 N'. Then the leave-one-out error of label i is (Q y)_i / Q_ii and its variance 1 / Q_ii, the
mean fitted anew each time. One eigendecomposition of N' K N serves all noises.
"""

import numpy as np
import scipy
from typing_extensions import override

from toolkit.predictors.model import FloatArray, Groups, Model, Prediction, out_of_groups

LENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Candidates for the length scale, in units of the typical distance of two networks, sqrt(features)."""

NOISES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Candidates for the noise of labels, as a share of the variance of what is to be learned."""

_CHUNK = 4096


class GaussianProcess(Model):
    """Labels are M b + f(x) + noise; f has the kernel exp(-|x - x'|^2 / (2 length^2 features)).

    Args:
        features: x, standardised, shape (labels, features).
        mean: M, shape (labels, columns), with a column of ones.
        labels: shape (labels,).
    """

    def __init__(self, features: FloatArray, mean: FloatArray, labels: FloatArray) -> None:
        self._features, self._y = features, labels
        orthogonal = np.linalg.qr(mean, mode="complete")[0][:, mean.shape[1] :]
        squares = scipy.spatial.distance.cdist(features, features, "sqeuclidean") / max(1, features.shape[1])
        best: tuple[float, float, float] = (np.inf, 0.0, 0.0)
        for length in LENGTHS:
            values, vectors = scipy.linalg.eigh(orthogonal.T @ np.exp(-squares / (2 * length**2)) @ orthogonal)
            along = orthogonal @ vectors
            about = along.T @ labels
            for noise in NOISES:
                inverse = 1 / (np.maximum(values, 0) + noise)
                errors = (along @ (inverse * about)) / (along**2 @ inverse)
                best = min(best, (float(np.mean(errors**2)), length, noise))
        self.error, length, noise = best
        self.settings = {"length": length, "noise": noise}
        kernel = np.exp(-squares / (2 * length**2)) + noise * np.eye(len(labels))
        self._factor = scipy.linalg.cho_factor(kernel)
        solved = scipy.linalg.cho_solve(self._factor, mean)
        self._mean, self._gram = mean, np.linalg.pinv(mean.T @ solved)
        self._projector = scipy.linalg.cho_solve(self._factor, np.eye(len(labels))) - solved @ self._gram @ solved.T
        self._weights = self._projector @ labels
        self._offset = self._gram @ (solved.T @ labels)
        self._stays = np.maximum(np.diag(self._projector), 1e-12)
        self._variance = float(np.mean(self._weights**2 / self._stays))

    @override
    def predict(self, features: FloatArray, mean: FloatArray) -> Prediction:
        parts = [
            self._predict(features[start : start + _CHUNK], mean[start : start + _CHUNK])
            for start in range(0, len(features), _CHUNK)
        ]
        if not parts:
            return Prediction(np.empty(0), np.empty(0))
        return Prediction(np.concatenate([p.mean for p in parts]), np.concatenate([p.sd for p in parts]))

    def _predict(self, features: FloatArray, mean: FloatArray) -> Prediction:
        length = self.settings["length"]
        squares = scipy.spatial.distance.cdist(features, self._features, "sqeuclidean") / max(1, features.shape[1])
        kernel = np.exp(-squares / (2 * length**2))
        solved = scipy.linalg.cho_solve(self._factor, kernel.T).T
        beside = mean - solved @ self._mean
        spread = 1 - np.sum(kernel * solved, axis=1) + np.sum(beside @ self._gram * beside, axis=1)
        values = mean @ self._offset + kernel @ self._weights
        return Prediction(values, np.sqrt(self._variance * np.maximum(spread, 0)))

    @override
    def left_out(self, groups: Groups | None = None) -> Prediction:
        if groups is None:
            errors = self._weights / self._stays
        else:  # here the influence is noise * Q, and residuals noise * Q y
            errors = out_of_groups(self._weights, lambda members: self._projector[np.ix_(members, members)], groups)
        spread = np.maximum(1 / self._stays - self.settings["noise"], 0)
        return Prediction(self._y - errors, np.sqrt(self._variance * spread))
