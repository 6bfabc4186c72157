"""What a run has used of its budget, in words."""

from collections.abc import Callable
from typing import Any

from gome.formatting import count_text, duration_text
from gome.run_folder import RunFolder
from gome.tools.execution.e2b.cost import PRICE, SandboxLog
from gome.tools.execution.workspace import disk_usage


def spending_rows(folder: RunFolder) -> list[tuple[str, str]]:
    """(label, text) for time, evaluations, tokens, money, sandboxes and disk: used, of which cap."""
    config, usage = folder.config, folder.usage
    tokens = usage["tokens_in"] + usage["tokens_out"]
    calls = f"{usage['calls']:,} call{'' if usage['calls'] == 1 else 's'}"
    rows = [("time", _of(duration_text(folder.seconds or 0.0), config.get("time_limit_s"), duration_text))]
    rows.append(("evaluations", _of(str(folder.evaluations), config.get("max_evaluations"), str)))
    if tokens or config.get("max_tokens"):
        rows.append(("tokens", f"{_of(count_text(tokens), config.get('max_tokens'), count_text)}, {calls}"))
    if tokens or config.get("max_usd"):
        rows.append(("cost", cost_text(folder)))
    if sandboxes := sandbox_text(folder):
        rows.append(("sandboxes", sandboxes))
    disk = disk_usage(folder.path) / 2**20
    rows.append(("disk", _of(f"{disk:,.0f} MB", config.get("max_disk_mb"), lambda mb: f"{mb:,} MB")))
    return rows


def cost_text(folder: RunFolder) -> str:
    """'$0.42 of $5', of models and rented sandboxes; what is not known is said."""
    usage = folder.usage
    usd = usage["usd"] + SandboxLog(folder.path).use().usd
    known = _of(f"${usd:,.4g}", folder.config.get("max_usd"), lambda usd: f"${usd:g}")
    if not usage["unpriced"]:
        return known
    names = ", ".join(sorted({row["model"] for row in folder.usage_by_role if row["unpriced"]}))
    missing = f"no price is known for {names} (give one: --prices FILE)"
    if not usd:
        return f"not known: {missing}"
    return f"{known} and {usage['unpriced']} calls more: {missing}"


def sandbox_text(folder: RunFolder) -> str:
    """'3 for 12 min 5 s, $0.02': what rented sandboxes took, '' if there were none; what is not known is said."""
    use = SandboxLog(folder.path).use()
    if not use.count:
        return ""
    parts = [f"{use.count} for {duration_text(use.seconds)}"]
    parts += [f"{len(use.running)} of them not ended yet"] if use.running else []
    parts += [f"{use.lost} of them ended unseen"] if use.lost else []
    parts += [f"${use.usd:,.4g}"] if use.unpriced < use.count else []
    parts += [f"what {use.unpriced} cost is not known (give a price: {PRICE})"] if use.unpriced else []
    return ", ".join(parts)


def _of(used: str, cap: Any, text: Callable[[Any], str]) -> str:
    return f"{used} of {text(cap)}" if cap else used
