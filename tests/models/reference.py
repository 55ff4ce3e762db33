"""Random Feature Attention in float64 numpy, one token, one head, one row at a time, as the equations stand on paper.

Nothing here is fast or shared with the package: it is what the package is compared with.
"""

import math

import numpy as np

Array = np.ndarray


def unit(x: Array) -> Array:
    """x / |x| of one vector."""
    return x / math.sqrt(float(np.dot(x, x)))


def phi(x: Array, w: Array, kind: str) -> Array:
    """Features of one vector, scale sqrt(1/D) included.  x: [d], w: [D, d] -> [2 D] Gaussian, [D] arc-cosine."""
    angles = [float(np.dot(row, x)) for row in w]
    if kind == "gaussian":
        entries = [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
    else:
        entries = [max(a, 0.0) for a in angles]
    return np.array(entries) / math.sqrt(len(w))


def features(x: Array, w: Array, kind: str) -> Array:
    """Features of unit vectors.  x: [B, T, H, d], w: [H, D, d] -> [B, T, H, K]."""
    return np.array([[[phi(unit(x_h), w[h], kind) for h, x_h in enumerate(x_t)] for x_t in x_b] for x_b in x])


def signed_floor(den: float, floor: float = 1e-3) -> float:
    """Away from zero by at least the floor, on the side where it was."""
    return min(den, -floor) if den < 0 else max(den, floor)


def one_head(phi_q: Array, phi_k: Array, v: Array, gate: Array, keep: Array) -> tuple[Array, Array, Array]:
    """Read one head of one row.  phi_q, phi_k: [T, K], v: [T, V], gate: [T] or None, keep: [T].  Returns out, S, z."""
    s, z = np.zeros((phi_k.shape[1], v.shape[1])), np.zeros(phi_k.shape[1])
    out = []
    for t in range(len(v)):
        if keep[t]:
            old, new = (1.0, 1.0) if gate is None else (gate[t], 1.0 - gate[t])
            s = old * s + new * np.outer(phi_k[t], v[t])
            z = old * z + new * phi_k[t]
        out.append(phi_q[t] @ s / signed_floor(float(phi_q[t] @ z)))
    return np.array(out), s, z


def causal(phi_q: Array, phi_k: Array, v: Array, gate: Array | None, keep: Array | None) -> dict[str, Array]:
    """Every head of every row.  phi_q, phi_k: [B, T, H, K], v: [B, T, H, V], gate: [B, T, H], keep: [B, T].

    Returns out [B, T, H, V], S [B, H, K, V] and z [B, H, K].
    """
    batch, length, heads = v.shape[:3]
    keep = np.ones((batch, length)) if keep is None else keep
    parts = [
        one_head(phi_q[b, :, h], phi_k[b, :, h], v[b, :, h], None if gate is None else gate[b, :, h], keep[b])
        for b in range(batch)
        for h in range(heads)
    ]
    out, s, z = (np.array(part).reshape(batch, heads, *part[0].shape) for part in zip(*parts, strict=True))
    return {"out": out.swapaxes(1, 2), "S": s, "z": z}
