"""From samples to verdicts and the Markdown table."""

import math
import statistics

REFERENCES = ("nginx", "haproxy")
SUBJECT = "gatehouse"
# The goal of 6 µs for a limit in Redis was set where a bare request through HAProxy took 10 µs.
BARE_SHARE = 0.6


def median(samples, key):
    values = [key(s) for s in samples]
    return statistics.median(values) if values else math.nan


def spread(samples, key):
    """Half of the range as a share of the median."""
    values = [key(s) for s in samples]
    middle = statistics.median(values) if values else 0
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


class Cell:
    """What one proxy showed in one row. `absent` says why there is nothing."""

    def __init__(self, row, samples, remarks=(), absent=""):
        self.row, self.samples, self.remarks, self.absent = row, samples, list(remarks), absent

    @property
    def invalid(self):
        """Failed requests are what the reload row measures; everywhere else they spoil it."""
        if self.absent or not self.samples:
            return self.absent or "no sample"
        if self.row.kind == "reload":
            effects = [s.errors for s in self.samples if "no effect" in s.errors]
            return effects[0] if effects else ""
        errors = [s.errors for s in self.samples if s.errors]
        return "; ".join(dict.fromkeys(errors + [r for r in self.remarks if r]))

    def value(self):
        """The number that the row's goal is about."""
        if self.row.kind == "idle":
            return median(self.samples, lambda s: s.idle_bytes)
        if self.row.kind == "reload":
            return float(sum(s.failed for s in self.samples))
        return median(self.samples, lambda s: s.cpu_us)

    def as_json(self):
        if self.absent:
            return {"absent": self.absent}
        return {"value": self.value() if self.row.kind != "calls" else None, "invalid": self.invalid,
                "remarks": self.remarks, "samples": [dict(vars(s), cpu_us=s.cpu_us) for s in self.samples]}


def best_reference(cells):
    """(name, value) of the better valid reference, or (None, nan)."""
    valid = [(cells[n].value(), n) for n in REFERENCES if n in cells and not cells[n].invalid]
    return (min(valid)[1], min(valid)[0]) if valid else (None, math.nan)


def verdicts(row, cells):
    """A line for each goal of the row."""
    if not row.goals:
        return [] if row.goal is None else [verdict(row, cells)]
    return [_verdict_against(name, most, cells) for name, most in row.goals]


def _verdict_against(name, most, cells):
    subject, other, goal = cells.get(SUBJECT), cells.get(name), f"≤ {most:.2f}"
    if subject is None or subject.absent:
        return "–", name, goal, "not measured"
    if subject.invalid:
        return "invalid", name, goal, "**not met** (invalid row)"
    if other is None or other.invalid:
        return f"{subject.value():.2f} µs", "no valid " + name, goal, "not decided"
    ratio = subject.value() / other.value()
    return f"{ratio:.2f} × CPU/request", name, goal, _met(ratio <= most)


def verdict(row, cells):
    """(what was measured, against what, goal, met) as text for the summary."""
    goal = {"idle": f"≤ {row.goal or 0:,.0f} B", "reload": "0 failed",
            "redis": f"≤ {BARE_SHARE:.2f} of HAProxy's bare request, ≤ 1 round trip"}.get(row.kind, f"≤ {row.goal:.2f}" if row.goal else "")
    subject = cells.get(SUBJECT)
    name, reference = best_reference(cells)
    if subject is None or subject.absent:
        return "–", name or "–", goal, "not measured"
    if subject.invalid:
        return "invalid", name or "–", goal, "**not met** (invalid row)"
    if row.kind == "idle":
        value = subject.value()
        return f"{value:,.0f} B", f"{name} {reference:,.0f} B" if name else "–", goal, _met(value <= row.goal)
    if row.kind == "redis":
        return _redis_verdict(row, cells, goal)
    if row.kind == "reload":
        value = subject.value()
        other = f"{name} {reference:,.0f} failed" if name else "–"
        return f"{value:,.0f} failed", other, goal, _met(value <= row.goal)
    if not name:
        return f"{subject.value():.2f} µs", "no valid reference", goal, "not decided"
    ratio = subject.value() / reference
    return f"{ratio:.2f} × CPU/request", name, goal, _met(ratio <= row.goal)


def _redis_verdict(row, cells, goal):
    """What the limit costs more, in parts of a bare request through HAProxy; in µs where there is none beside."""
    samples, without = cells[SUBJECT].samples, cells["without"]
    if without.invalid:
        return f"{cells[SUBJECT].value():.2f} µs", "no valid one without", goal, "not decided"
    trips, more = median(samples, lambda s: s.round_trips), cells[SUBJECT].value() - without.value()
    name, bare = best_reference({n: c for n, c in cells.items() if n == "haproxy"})
    if not name:
        goal = f"≤ {row.goal:.1f} µs, ≤ 1 round trip"
    # What was under way at the end was counted in Redis, but not by wrk.
    unanswered = row.connections / max(median(samples, lambda s: s.requests), 1)
    good = more <= (BARE_SHARE * bare if name else row.goal) and 0.99 < trips <= 1 + unanswered
    share = f" = {more / bare:.2f} of HAProxy's bare request" if name else ""
    return f"{more:+.2f} µs{share}, {trips:.3f} round trips", "without", goal, _met(good)


def _met(yes):
    return "met" if yes else "**not met**"


def duration(us):
    if math.isnan(us):
        return "–"
    return f"{us:.0f} µs" if us < 1000 else f"{us / 1000:.2f} ms" if us < 1e6 else f"{us / 1e6:.2f} s"


def table(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] +
                     ["| " + " | ".join(line) + " |" for line in lines]) + "\n"


def load_line(row, name, cells):
    cell = cells[name]
    if cell.absent or not cell.samples:
        return [row.title, name] + ["–"] * 9 + [cell.absent or "no sample"]
    s, invalid = cell.samples, cell.invalid
    _, reference = best_reference({n: c for n, c in cells.items() if row.kind == "load"})
    ratio = "–"
    if not invalid and not math.isnan(reference) and reference > 0:
        ratio = f"{cell.value() / reference:.2f}"
    notes = ["INVALID: " + invalid] if invalid else []
    if row.shape.guard.keys > 1:
        notes.append(f"first answer {s[0].started_in:.1f} s after the start")
    if row.kind == "reload":
        failures = "; ".join(dict.fromkeys(x.errors for x in s if x.errors and not invalid))
        notes.append(f"{sum(x.failed for x in s)} failed of {sum(x.requests for x in s):,} in "
                     f"{sum(x.reloads for x in s)} reloads" + (f" ({failures})" if failures else ""))
        notes += cell.remarks
    return [row.title, name, f"{median(s, lambda x: x.cpu_us):.2f}", f"{median(s, lambda x: x.user_us):.2f}",
            f"{median(s, lambda x: x.system_us):.2f}", f"{100 * spread(s, lambda x: x.cpu_us):.0f} %",
            f"{median(s, lambda x: x.rate):,.0f}", duration(median(s, lambda x: x.p50_us)),
            duration(median(s, lambda x: x.p99_us)), f"{median(s, lambda x: x.rss) / 2**20:.1f}",
            f"{100 * median(s, lambda x: x.busy):.0f} %", ", ".join([f"ratio {ratio}"] * (ratio != "–") + notes)]


def markdown(results, facts):
    """`results`: list of (row, {peer name: Cell}); `facts`: what the run was."""
    out = ["# Load benchmark\n"]
    out.append(f"{facts['date']}, {facts['cpu']}, {facts['cpus']} CPUs, {facts['memory_gib']} GiB, "
               f"Linux {facts['kernel']}; load average before the run {facts['load_before']}. "
               f"Proxy on CPU {facts['cores'][0]}, load and origin on CPU {facts['cores'][1]}.\n")
    out.append("Versions: " + ", ".join(f"{n} {v}" for n, v in facts["versions"].items()) + ".\n")
    for name, why in facts["absent"].items():
        out.append(f"{name}: absent ({why}).\n")
    out.append(f"Command: `{facts['command']}`. {facts['rounds']} rounds of {facts['seconds']} s, interleaved; "
               "medians. How to read it: [bench/README.md](../README.md).\n")
    loads = [(r, c) for r, c in results if r.kind in ("load", "reload", "redis")]
    if any(SUBJECT in cells for _, cells in results):
        lines = []
        for row, cells in results:
            lines += [[row.title, *line] for line in verdicts(row, cells)]
        if lines:
            out += ["## Goals\n", table(["row", "gatehouse", "against", "goal", "met"], lines)]
    if loads:
        out += ["## CPU per request, rate, latency, memory\n",
                table(["row", "proxy", "CPU µs/request", "user", "system", "±", "req/s", "p50", "p99", "RSS MiB",
                       "core busy", "notes"], [load_line(r, n, c) for r, c in loads for n in c])]
    for row, cells in results:
        if row.kind == "idle":
            lines = [[n, "–", "–", c.absent] if c.absent or not c.samples else
                     [n, f"{c.value():,.0f}", f"{median(c.samples, lambda s: s.rss) / 2**20:.1f}",
                      "INVALID: " + c.invalid if c.invalid else ""] for n, c in cells.items()]
            out += [f"## {facts['idle_connections']:,} idle connections\n",
                    table(["proxy", "bytes of RSS each", "RSS MiB with them", "notes"], lines)]
        elif row.kind == "calls":
            keys = next((list(c.samples[0].calls) for c in cells.values() if c.samples and c.samples[0].calls), [])
            lines = []
            for n, c in cells.items():
                if c.absent or not c.samples or not c.samples[0].calls:
                    lines.append([n] + ["–"] * len(keys) + [c.absent or c.invalid])
                else:
                    lines.append([n] + [f"{c.samples[0].calls[k]:.3f}" for k in keys] +
                                 ["INVALID: " + c.invalid if c.invalid else ""])
            out += ["## Calls per request (small GET, 64 connections, preload counter)\n",
                    table(["proxy", *keys, "notes"], lines)]
    return "\n".join(out)
