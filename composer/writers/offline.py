"""Offline: plans a scene without a language model, from a prompt, a story, a screenplay or a picture."""

from __future__ import annotations

from dataclasses import replace

from composer.brief import Brief, Plan
from composer.errors import StoryUnreadable
from composer.writers.borders import with_borders


def plan_offline(brief: Brief) -> Plan:
    """The plan of a brief, by rules and templates alone. The same brief gives the same plan.

    Raises StoryUnreadable for words that cannot be used, and for pictures that cannot be or show nothing known.
    """
    planned = _planned(brief)
    return replace(planned, rows=with_borders(planned.rows))


def _planned(brief: Brief) -> Plan:
    if brief.picture is not None and (brief.story.strip() or brief.screenplay.strip()):
        raise StoryUnreadable(
            f"{brief.picture}: a story and a picture are given; give one of them, or the picture beside a prompt"
        )
    if brief.screenplay.strip():
        from composer.writers.screenplay import plan_screenplay

        return plan_screenplay(brief.screenplay, seed=brief.seed)
    if brief.prompt.strip() and brief.story.strip():
        raise StoryUnreadable("both a prompt and a story are given; give one of them")
    if brief.story.strip():
        from composer.writers.story import plan_story

        return plan_story(brief.story, seed=brief.seed, title="")
    if brief.picture is not None:
        from composer.writers.seen import plan_picture

        return plan_picture(brief)
    from composer.writers.prompt import plan_prompt

    return plan_prompt(brief.prompt, seed=brief.seed)
