"""The book: the whole course as pages for a browser, from the built notebooks; nothing is executed again.

``build`` makes it; ``pages`` turns notebooks into pages, ``widgets`` interactive figures into pictures that a
slider plays, ``lists`` what is no notebook (symbols, references, ledger, API); ``conf`` is Sphinx's settings.
"""
