"""Overread's engine: one straight line; each step is one function, records go in and records come out.

    index_folder → split_index → train → predict → explain → add_review → build_report → export_report

    dataset.index_folder(folder) -> Index               what the folder holds, and what the checks found
    split.split_index(index) -> Split                   by patient, stratified, seeded
    training.train(recipe, split, ...) -> Epoch ...     then run.load_run(folder) -> Run
    prediction.predict(run, samples) -> Prediction ...  calibrated, at the operating point
    saliency.explain(run, samples) -> Explanation ...   why
    store.Store.add_review(review)                      append-only
    report.build_report(...) -> Report                  against each reference standard
    report.export_report(report, folder)                one HTML file, CSV and JSON

The engine knows nothing of Gradio. Importing this package imports nothing heavy.
"""
