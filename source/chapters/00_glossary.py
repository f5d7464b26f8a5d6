# %% [markdown]
# # Glossary
#
# The terms and symbols of the course, in alphabetical order: the symbol, the Chinese term, the chapter that explains it, and
# a sentence in both languages. A term is linked to here where a chapter uses it first.
#
# 本课程的术语与符号，按英文字母顺序排列：符号、中文术语、讲解该术语的章节，以及中英文各一句解释。

# %% [markdown] tags=["glossary"]
#
