"""Overread's engine: one straight line; each step is one function, records go in and records come out.

    index_folder → split_index → train → predict → explain → add_review → build_report → export_report

    data.index_folder(folder) -> Index               what the folder holds, and what the checks found
    data.split_index(index) -> Split                 by patient, stratified, seeded
    training.train(recipe, split, ...) -> Epoch ...  then runs.load_run(folder) -> Run
    prediction.predict(run, samples) -> Prediction   calibrated, at the operating point
    saliency.explain(classifier, images) -> maps     why
    reading.Store.add_review(review)                 append-only
    report.build_report(...) -> Report               against each reference standard
    report.export_report(report, folder)             one HTML file, CSV and JSON

Each folder is a chapter: its `__init__` says what comes in and goes out, its `__init__.pyi` lists what others may
import. The engine knows nothing of Gradio. Importing this package imports nothing heavy.
"""
