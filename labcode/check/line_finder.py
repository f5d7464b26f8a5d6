"""A checker of tasks in which some lines of a script are to be found."""

import textwrap

from labcode.check.core import Checker


class LinesChecker(Checker):
    """Says for each misjudged line what is wrong, any number of them, and does not show the whole answer.

    The solution returns the labels of the lines that are meant, in capital letters; each misconception
    switches one label, ``missed`` or ``accused``. Answers may be any collection, or a string, of labels.
    """

    def _feedback(self, results, wanted, marks):
        found = self.diagnose(results)
        lines = [f"✗ {len(found) or 'some'} of the lines are misjudged; return a list of labels."]
        return "\n".join([*lines, *(textwrap.fill(f"→ {m.message}", 100) for m in found)])

    def diagnose(self, results):
        """Return the misconceptions about every line on which the answer and the solution differ."""
        said = {str(label).strip().upper() for label in results[0]} if isinstance(results[0], list) else set()
        wrong = set(self.outputs({})[0]) ^ said
        return tuple(m for m in self.misconceptions if set(m.switches.values()) <= wrong)

    def tidy(self, value):
        """Return the labels in capital letters, sorted; what holds no labels stays as it is."""
        if not isinstance(value, str | list | tuple | frozenset):
            return value
        return sorted({str(label).strip().upper() for label in value} - {",", ""})
