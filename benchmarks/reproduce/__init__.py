"""Published systems trained again on real data, each beside the figure that was published.

    python -m benchmarks.reproduce scnnb-fashion --data DIR      train, measure, write results/scnnb-fashion.json
    python -m benchmarks.reproduce --table                       the README's table, from the results

packs.py     data packs → an index
studies.py   which data, which split, which recipes
measure.py   index and recipe → run → figures
table.py     figures → files and Markdown
results/     figures alone: no image, no path
"""
