# %% [markdown]
# # Regularizing LSTMs: contents
#
# A course on keeping recurrent networks from learning their training data by heart. Each chapter mirrors a section of
# one article and tests what it says: for each of its claims you will see an experiment that you can run again.
#
# **How a chapter works.** Its code cells have no outputs yet. Read, guess where you are asked to, run the cell, and read
# on below it. Grey bars are folded cells that only guard the text; you need not open them. Each part ends with an
# exercise that checks your code and says why an answer is wrong.
#
# **How long.** The minutes count reading, thinking and running. If you have one day and not three, take the core path
# (●).

# %% [markdown]
# ## The map

# %% [markdown] tags=["contents"]
#

# %% [markdown]
# Beside the path: the [glossary](00_glossary.ipynb), in English and Chinese, and a [sheet to keep](00_sheet.ipynb) with
# conversions, places of masks, shapes, and which method helped where.
#
# ## The article
#
# It is a short Chinese tutorial on regularizing LSTMs. Its nine sections are those of this course: 1 背景介绍
# (background), 2 核心概念与联系 (core concepts and how they connect), 3 核心算法原理具体操作步骤 (algorithms, step by step),
# 4 数学模型和公式详细讲解举例说明 (mathematics), 5 项目实践 (practice), 6 实际应用场景 (applications), 7 工具和资源推荐 (tools), 8 总结
# (summary), 9 附录：常见问题与解答 (questions and answers). What it claims, in our own words, and what we found is the
# [ledger of chapter 8](08_outlook.ipynb).
#
# ## What you have done
#
# Run this cell in your own copy, below `work/`. It stays on your machine.

# %%
from labcode import check

check.progress.show()
