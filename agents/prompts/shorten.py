"""What a prompt loses when it does not fit into the model's context, in this order: what a step can best do without.

The role, the contract, the program, the hypothesis, the plan, the error and the form of the reply are never cut.
"""

from collections.abc import Callable

from gome.state.plain import JsonObject

Parts = tuple[JsonObject, JsonObject]
"""The context of a prompt, and the texts that its template names."""
LEFT_OUT = "[... left out: the prompt was too long]"


def _first(name: str, count: int) -> Callable[[Parts], Parts]:
    """Keep the first `count` of a list among the context."""
    return lambda parts: (
        {**parts[0], name: parts[0][name][:count]} if parts[0].get(name) else parts[0],
        parts[1],
    )


def _last(name: str, count: int) -> Callable[[Parts], Parts]:
    """Keep the last `count` of a list among the context: the newest."""
    return lambda parts: (
        {**parts[0], name: parts[0][name][-count:]} if parts[0].get(name) else parts[0],
        parts[1],
    )


def _without(name: str) -> Callable[[Parts], Parts]:
    return lambda parts: ({k: v for k, v in parts[0].items() if k != name}, parts[1])


def _columns(count: int) -> Callable[[Parts], Parts]:
    """Keep the first `count` columns of the data profile, and say how many there were."""

    def cut(parts: Parts) -> Parts:
        context, texts = parts
        columns = (context.get("data") or {}).get("columns") or []
        if len(columns) <= count:
            return parts
        data = {**context["data"], "columns": columns[:count], "columns_in_all": len(columns)}
        return {**context, "data": data}, texts

    return cut


def _shorter_lists(name: str, count: int) -> Callable[[Parts], Parts]:
    """Keep the first `count` rows of each list in a mapping among the context."""

    def cut(parts: Parts) -> Parts:
        context, texts = parts
        rows = context.get(name)
        if not isinstance(rows, dict):
            return parts
        return {**context, name: {k: v[:count] if isinstance(v, list) else v for k, v in rows.items()}}, texts

    return cut


def _head(name: str, characters: int) -> Callable[[Parts], Parts]:
    """Keep the beginning of a text."""

    def cut(parts: Parts) -> Parts:
        context, texts = parts
        text = texts.get(name)
        if not isinstance(text, str) or len(text) <= characters:
            return parts
        return context, {**texts, name: f"{text[:characters]}\n{LEFT_OUT}"}

    return cut


def _tail(name: str, characters: int) -> Callable[[Parts], Parts]:
    """Keep the end of a text."""

    def cut(parts: Parts) -> Parts:
        context, texts = parts
        text = texts.get(name)
        if not isinstance(text, str) or len(text) <= characters:
            return parts
        return context, {**texts, name: f"{LEFT_OUT}\n{text[-characters:]}"}

    return cut


CUTS: tuple[Callable[[Parts], Parts], ...] = (
    _last("siblings", 3),
    _last("history", 8),
    _first("momentum", 2),
    _shorter_lists("evidence", 3),
    _columns(40),
    _tail("traceback", 3000),
    _head("description", 4000),
    _head("diff", 4000),
    _head("probe_output", 1000),
    _head("taken_program", 4000),
    _last("history", 3),
    _without("rejected"),
    _without("siblings"),
    _columns(15),
    _first("previews", 4),
    _head("description", 1000),
    _tail("traceback", 1000),
    _without("evidence"),
    _without("momentum"),
    _without("previews"),
    _without("data"),
)


def shorter(parts: Parts, made: int) -> tuple[Parts, int] | None:
    """The parts after the next cut that changes something, and how many cuts of `CUTS` are made then; `made` were made
    before. None when there is none left."""
    for number, cut in enumerate(CUTS[made:], start=made + 1):
        cut_parts = cut(parts)
        if cut_parts != parts:
            return cut_parts, number
    return None
