"""How often a nominal 95 % interval holds a known truth: `python tests/evidence/coverage_simulation.py 2000`.

Differences are drawn with a known mean of 0, with seeds, items and pairs of both that differ; ``share`` of
the variance of the mean comes from the seeds. The table compares the course's rule (``standard_error``) with
the percentile bootstrap over seeds and items, Student's t over the seeds' means alone, and BCa over these.
"""

import sys
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import signal, stats

from labcode.experiments.intervals import bootstrap_means, interval_of, resample_weights
from labcode.experiments.standard_error import cells, estimate

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
TAILS = {"normal": None, "Student, 3 df": stats.t(3), "exponential": stats.expon(-1)}
DRAWS, FEW = 400, 500


@dataclass(frozen=True)
class Regime:
    """Test items that resemble a kind of task.

    Attributes:
        items: how many.
        block: neighbours that make up a unit of the rule.
        memory: correlation of neighbours of a series.
        speakers: clusters that the items belong to, 0 for none; they have 60 % of the items' variance.
        apart: whether each seed has items of its own.
    """

    items: int
    block: int = 1
    memory: float = 0.0
    speakers: int = 0
    apart: bool = False


REGIMES = {
    "items 100": Regime(100),
    "items 500": Regime(500),
    "items 1500": Regime(1500),
    "series 360": Regime(360, block=30, memory=0.6),
    "series 1000": Regime(1000, block=60, memory=0.6),
    "speakers 10": Regime(300, speakers=10),
    "speakers 20": Regime(400, speakers=20),
    "own parts": Regime(100, apart=True),
}


def draw(regime, *, seeds, share, rng, tail=None):
    """Draw differences whose mean has the variance 1: (seeds, items)."""

    def z(*shape):
        return rng.normal(size=shape) if tail is None else tail.rvs(shape, random_state=rng) / tail.std()

    def by_item(rows):
        n = regime.items
        if regime.memory:
            steps = signal.lfilter([1], [1, -regime.memory], z(rows, n + 100), axis=1)[:, 100:]
            return steps * (1 - regime.memory) * np.sqrt(n)
        if regime.speakers:
            who = np.arange(n) * regime.speakers // n
            groups = z(rows, regime.speakers)[:, who] * np.sqrt(0.6 * regime.speakers)
            return groups + z(rows, n) * np.sqrt(0.4 * n)
        return z(rows, n) * np.sqrt(n)

    shared, own = np.sqrt((1 - share) * 0.7), np.sqrt((1 - share) * 0.3)
    if regime.apart:
        shared, own = 0.0, np.sqrt(1 - share)
    everywhere = by_item(1) if shared else 0.0
    return z(seeds, 1) * np.sqrt(seeds * share) + everywhere * shared + by_item(seeds) * np.sqrt(seeds) * own


def units_of(regime, seeds):
    """Return the options with which the rule is told what belongs together."""
    if regime.apart:
        return {"units": np.arange(seeds * regime.items).reshape(seeds, regime.items)}
    if regime.speakers:
        return {"units": np.arange(regime.items) * regime.speakers // regime.items}
    return {"block": regime.block}


def covered(regime, *, seeds, share, repeats, rng, tail=None, more=False):
    """Return the share of the repeats in which each kind of interval holds 0: of the rule's, in all of them,
    and of what it is compared with in the first few.
    """
    options, hits, few = units_of(regime, seeds), {}, min(repeats, FEW)
    together = regime.block if not regime.speakers else regime.items // regime.speakers
    weights = resample_weights(seeds, regime.items, rng=rng, block=together, draws=DRAWS)
    for repeat in range(repeats):
        differences = draw(regime, seeds=seeds, share=share, rng=rng, tail=tail)
        ends = {"rule": estimate(cells(differences, **options)).interval()}
        if repeat < few:
            ends["percentile"] = interval_of(bootstrap_means(differences, weights))
        if repeat < few and more:
            means = differences.mean(axis=1)
            ends["t of seeds"] = estimate(cells(means[:, None])).interval()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bca = stats.bootstrap((means,), np.mean, n_resamples=DRAWS, rng=rng, vectorized=True)
            ends["BCa of seeds"] = tuple(bca.confidence_interval)
        for kind, (low, high) in ends.items():
            hits[kind] = hits.get(kind, 0) + (low <= 0 <= high)
    return {kind: count / (repeats if kind == "rule" else few) for kind, count in hits.items()}


def main(repeats):
    """Print the table."""
    for seeds in (10, 5):
        for name, regime in REGIMES.items():
            for tail_name, tail in TAILS.items():
                if tail is not None and (seeds == 5 or name in ("items 1500", "series 1000", "speakers 20")):
                    continue
                for share in SHARES:
                    rng = np.random.default_rng([seeds, regime.items, round(100 * share)])
                    setting = {"seeds": seeds, "share": share, "repeats": repeats, "rng": rng}
                    found = covered(regime, **setting, tail=tail, more=name in ("items 500", "own parts"))
                    said = "  ".join(f"{kind} {100 * value:.1f}" for kind, value in found.items())
                    print(f"{seeds:>2} seeds  {name:<12} {tail_name:<14} {share:4.2f}  {said}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
