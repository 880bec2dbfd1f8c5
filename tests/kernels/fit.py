#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Derive the constants of kernels/tmpl/math.h.

Rational minimax fits by iteratively reweighted least squares (Lawson) on a
linearised problem, in double precision on Chebyshev nodes; the coefficients are
then rounded to float.  The bounds that math.h states are those of the compiled
code and are measured by tests/kernels, not here.

Run: fit.py   (needs numpy and mpmath; a development tool, not part of the build)
"""
import mpmath as mp
import numpy as np


def nodes(lo, hi, n=4000):
    k = np.arange(n)
    return lo + (hi - lo) * (0.5 - 0.5 * np.cos(np.pi * (k + 0.5) / n))


def fit(t, f, w, np_, nq, rounds=400):
    """p(t)/q(t) ~ f with |w (p/q - f)| minimax; q(0) = 1."""
    s = t.max()
    u = t / s
    p_cols = np.vander(u, np_ + 1, increasing=True)
    q_cols = np.vander(u, nq + 1, increasing=True)[:, 1:]
    lawson = np.ones_like(t)
    q_old = np.ones_like(t)
    best = None
    for _ in range(rounds):
        scale = np.sqrt(lawson) * w / q_old
        a = np.hstack([p_cols, -f[:, None] * q_cols]) * scale[:, None]
        sol = np.linalg.lstsq(a, f * scale, rcond=None)[0]
        p = p_cols @ sol[:np_ + 1]
        q = 1 + q_cols @ sol[np_ + 1:]
        err = np.abs(w * (p / q - f))
        if best is None or err.max() < best[0]:
            best = (err.max(), sol.copy())
        lawson *= np.maximum(err / err.mean(), 1e-3) ** 0.7
        lawson /= lawson.mean()
        q_old = np.abs(q)
    worst, sol = best
    p = sol[:np_ + 1] / s ** np.arange(np_ + 1)
    q = np.concatenate([[1.0], sol[np_ + 1:] / s ** np.arange(1, nq + 1)])
    return worst, p, q


def fit_polynomial(t, f, w, degree, rounds=300):
    """As fit(), for a polynomial on an interval around 0."""
    cols = np.vander(t, degree + 1, increasing=True)
    lawson = np.ones_like(t)
    best = None
    for _ in range(rounds):
        s = np.sqrt(lawson) * np.maximum(w, 1e-9)
        sol = np.linalg.lstsq(cols * s[:, None], f * s, rcond=None)[0]
        err = np.abs(w * (cols @ sol - f))
        if best is None or err.max() < best[0]:
            best = (err.max(), sol)
        lawson *= np.maximum(err / err.mean(), 1e-3) ** 0.7
        lawson /= lawson.mean()
    return best[0], best[1], [1.0]


def show(name, worst, p, q):
    print(f"{name}: weighted error {worst:.3g}")
    for label, c in (("P", p), ("Q", q)):
        if len(c) > 1:
            print("  " + label + ": " + ", ".join(f"{np.float32(v):.9e}f" for v in c))


def vec(fn, t):
    mp.mp.dps = 40
    return np.array([float(fn(mp.mpf(float(v)))) for v in t])


def main():
    # Phi(x) - 1/2 = x R(x^2), absolute error: weight |x|.
    t = nodes(1e-6, 5.5 ** 2)
    f = vec(lambda v: mp.erf(mp.sqrt(v / 2)) / (2 * mp.sqrt(v)), t)
    show("phi", *fit(t, f, np.sqrt(t), 5, 5))
    # tanh(x) = x T(x^2), relative error.
    t = nodes(1e-6, 9.02 ** 2)
    f = vec(lambda v: mp.tanh(mp.sqrt(v)) / mp.sqrt(v), t)
    show("tanh", *fit(t, f, 1 / f, 4, 4))
    # exp(r) = 1 + r + r^2 E(r) on [-ln2/2, ln2/2], relative error.
    h = float(mp.log(2)) / 2 * 1.001
    t = nodes(-h, h)
    f = vec(lambda v: (mp.exp(v) - 1 - v) / (v * v) if abs(v) > 1e-9 else mp.mpf(0.5), t)
    show("exp", *fit_polynomial(t, f, t * t / np.exp(t), 4))
    # 2^r = 1 + r E(r) on [-1/2, 1/2], relative error.
    t = nodes(-0.5, 0.5)
    f = vec(lambda v: (mp.mpf(2) ** v - 1) / v if abs(v) > 1e-9 else mp.log(2), t)
    for deg in (4, 5):
        show(f"exp2 {deg}", *fit_polynomial(t, f, np.abs(t) / 2 ** t, deg))
    # 2^r itself, for results that are rounded to bf16 (simd_avx512_bf16.h).
    show("exp2 rough", *fit_polynomial(t, 2.0 ** t, 2.0 ** -t, 3))


if __name__ == "__main__":
    main()
