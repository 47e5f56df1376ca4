"""How much each pixel of a window counts where windows overlap.

With p_i(x) the probabilities that window i gives for pixel x, and w_i(x) > 0 the weight of x by its place in window i,

    P(x) = Σ w_i(x) p_i(x) / Σ w_i(x).

Weights are products of one profile for the rows and one for the columns of the window, so that the sum of weights of a
grid of windows is a product too. With n pixels along the side of a window and i = 0 … n - 1,

    mean:      w(i) = 1;
    hann:      w(i) = sin²(π (i + ½) / n), the Hann window, sampled at pixel centres so that it is nowhere 0
               (Pielawski & Wählby 2020, "Introducing Hann windows for reducing edge-effects in patch-based image
               segmentation", PLoS ONE 15(3) e0229839);
    gaussian:  w(i) = exp(-½ ((i + ½ - n/2) / (n/8))²), as nnU-Net weighs its tiles (Isensee et al. 2021, Nature
               Methods 18, 203–211).

A discarded border of d pixels leaves out what a window says next to its edges, where the network lacks context (Huang
et al. 2018, "Tiling and Stitching Segmentation Output for Remote Sensing", arXiv:1805.12219): the profile is then that
of the inner n - 2 d pixels. At the edge of the scene nothing is left out, since only one window looks there; the weight
is that of the nearest inner pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from components.infer_windows.arrays import Float64

Method = Literal["mean", "hann", "gaussian"]

GAUSSIAN_SIGMAS = 8
"""A window's side in standard deviations."""


def _hann(places: Float64) -> Float64:
    return np.asarray(np.sin(np.pi * places) ** 2)


def _gaussian(places: Float64) -> Float64:
    return np.asarray(np.exp(-0.5 * ((places - 0.5) * GAUSSIAN_SIGMAS) ** 2))


_FORMULAS: dict[Method, Callable[[Float64], Float64]] = {"mean": np.ones_like, "hann": _hann, "gaussian": _gaussian}


def profile(method: Method, side: int, discard_border: int = 0) -> Float64:
    """The weights along one side of a window.

    Args:
        method: One of the formulas above.
        side: Of the window, n, in pixels.
        discard_border: How many pixels at both ends only count at the edge of the scene, d; 2 d < n.

    Returns:
        (n,) float64, all above 0; at both ends the value of the nearest inner pixel.
    """
    inner = side - 2 * discard_border
    places = np.clip(np.arange(side) - discard_border, 0, inner - 1)
    return _FORMULAS[method]((places + 0.5) / inner)
