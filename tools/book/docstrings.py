"""Docstrings as the reference shows them: equations set as formulas, and no sign of theirs read as markup."""

import re

EQUATION = re.compile(r"(?<=: )([^:`]*(?: [*/⊙] |\^|\|)[^:`]*?)(?=\.?$)")
# A sentence, not an equation:
WORDY = re.compile(r"\b[a-z]{2,}(?: [a-z]{2,}){2,}|\. |\b(?:becomes|against|of)\b")
OPERATORS = ("sum", "min", "max")
GREEK = {"lam": "lambda", "alpha": "alpha", "beta": "beta", "epsilon": "epsilon", "eps": "varepsilon"}
KNOWN = "|".join((*OPERATORS, *GREEK))
TOKEN = re.compile(  # an index, a power, a known name, words, a product, what TeX would read otherwise
    rf"_\(([^)]*)\)|\^(-\d+)|\b({KNOWN})(\d*)(?![\w-])"
    rf"|((?!(?:{KNOWN})\b)[A-Za-z]{{2,}}(?:[-_][a-z]{{2,}})*(?: (?!(?:{KNOWN})\b)[a-z]{{2,}})*)"
    r"|([*⊙])|([{}%&#$])"
)
MARKUP = re.compile(r"\||(?<=\w)_(?!\w)|(?<=-)\*|(?<=\s)\*(?=\s)")


def as_tex(equation: str) -> str:
    """Return an equation in argument names as TeX.

    >>> as_tex("lam / 2 * sum w^2")
    '\\\\lambda / 2 \\\\cdot \\\\sum w^2'
    """
    return TOKEN.sub(_token, equation)


def _token(found: re.Match[str]) -> str:
    index, power, name, number, words, product, special = found.groups()
    if index or power:
        return f"_{{{as_tex(index)}}}" if index else f"^{{{power}}}"
    if words:
        return rf"\text{{{words.replace('_', chr(92) + '_')}}}"
    if product:
        return r"\cdot" if product == "*" else r"\odot"
    if special:
        return f"\\{special}"
    return f"\\{GREEK.get(name, name)}" + (f"_{number}" if number else "")


def prepare(lines: list[str]) -> list[str]:
    """Return a docstring's lines in reStructuredText that says what they say."""
    end = lines.index("") if "" in lines else len(lines)
    first = " ".join(lines[:end])
    found = EQUATION.search(first)
    if not found or WORDY.search(found[1]):
        return escaped(lines)
    words = escaped([first[: found.start()]])[0]
    return [f"{words}:math:`{as_tex(found[1])}`{first[found.end() :]}", *escaped(lines[end:])]


def escaped(lines: list[str]) -> list[str]:
    """Return lines with signs escaped that would be markup, outside of examples and of text below ``::``."""
    made: list[str] = []
    example, literal = False, None  # literal: deeper lines are left alone
    for line in lines:
        indent = len(line) - len(line.lstrip())
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if literal is not None and line.strip() and indent <= literal:
            literal = None
        made.append(line if example or literal is not None else _outside_of_code(line))
        literal = indent if line.endswith("::") else literal
    return made


def _outside_of_code(line: str) -> str:
    parts = line.split("``")
    return "``".join(MARKUP.sub(r"\\\g<0>", part) if n % 2 == 0 else part for n, part in enumerate(parts))


def setup(app) -> dict:
    """Have autodoc pass every docstring through ``prepare``, before anything else reads it."""

    def process(app, what, name, obj, options, lines):
        lines[:] = prepare(lines)

    app.connect("autodoc-process-docstring", process, priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
