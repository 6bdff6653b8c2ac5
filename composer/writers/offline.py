"""Offline: plans a scene without a language model, from a prompt or from a story."""

from __future__ import annotations

from composer.brief import Brief, Plan
from composer.errors import StoryUnreadable, WriterUnavailable


def plan_offline(brief: Brief) -> Plan:
    """The plan of a brief, by rules and templates alone. The same brief gives the same plan.

    Raises StoryUnreadable for words that cannot be used and WriterUnavailable for a picture without words.
    """
    if brief.prompt.strip() and brief.story.strip():
        raise StoryUnreadable("both a prompt and a story are given; give one of them")
    if brief.story.strip():
        from composer.writers.story import plan_story

        return plan_story(brief.story, seed=brief.seed, title="")
    if brief.picture is not None and not brief.prompt.strip():
        raise WriterUnavailable(
            f"{brief.picture}: a picture alone needs a language-model server that can see; "
            "name one, or say in a prompt what the picture shows"
        )
    from composer.writers.prompt import plan_prompt

    return plan_prompt(brief.prompt, seed=brief.seed)
