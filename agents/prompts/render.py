"""Prompts from the files in prompts/: the role's system text, the call's user text, and the context at its end."""

from pathlib import Path
from typing import Any

from gome.agents.prompts.private import without_cells
from gome.agents.prompts.shorten import Parts, shorter
from gome.state.prompt_context import PromptContext
from gome.tools.models.prompt import Prompt, context_block
from gome.tools.templates import text_templates
from gome.tools.text import fenced
from gome.tools.wording import share_words, waiting_words

PROMPTS = Path(__file__).parent

_templates = text_templates(PROMPTS, fenced=fenced, share=share_words, waited=waiting_words)


def render(role: str, call: str, context: PromptContext, *, private: bool, **texts: Any) -> Prompt:
    """The prompt of one call. `texts` are what its template names besides `context` (program, description ...);
    `private`: no cell of the data may be in it.

    It can be made shorter in the order of `gome.agents.prompts.shorten`.
    """
    texts["private"] = private
    if private:
        context, texts = without_cells(context, texts)
    return _rendered(role, call, ({"call": call, **context}, texts), 0)


def answer_words(form: str, *, cell: str, several: bool, positive: str | None) -> str:
    """What a program is told to write: an answer of this `form`, `several` in one field, `positive` the class that a
    probability is that of, `cell` in words what one field holds where the metric says more than the form."""
    words = _templates.get_template("_form.md")
    return words.render(form=form, cell=cell, several=several, positive=positive).strip("\n")


STABLE = ("task", "hardware", "packages", "data")
"""Parts of the context that no step changes: a prompt that shows them first begins like the one before it."""

SYSTEM = {"researcher": "system_step.md", "coder": "system_step.md"}
"""One system text for both, so that the coder's prompts too begin like those before them (a provider's prompt cache)."""

IN_WORDS = ("previews", "reliability")
"""Parts that templates tell, so that they need not stand in the context block as well."""


def _rendered(role: str, call: str, parts: Parts, cuts: int) -> Prompt:
    context, texts = parts
    system = _templates.get_template(SYSTEM.get(role, f"system_{role}.md")).render()
    stable = {name: context[name] for name in STABLE if name in context}
    user = _templates.get_template(f"{call}.md").render(
        context=context, stable=context_block(stable), **texts
    )
    shown_above = stable if context_block(stable) in user else {}
    rest = {name: value for name, value in context.items() if name not in (*shown_above, *IN_WORDS)}

    def cut() -> Prompt | None:
        left = shorter(parts, cuts)
        return _rendered(role, call, *left) if left else None

    return Prompt(system.strip(), f"{user.strip()}\n\n{context_block(rest)}\n", cut)
