"""Where the weights come from that a training begins with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsOrigin:
    """What is known of starting weights, for run.json, the report and the model card.

    Attributes:
        name: Of the file, the run or the package.
        layout: A key of `engine.models.LAYOUTS`; empty where they did not come from a file.
        sha256: Of the file; empty where it is none.
        source: Where the file is from, as a person said.
        licence: As a person or its publisher said; empty where nobody did.
        run_id: The run that trained them; empty where it was none of ours.
        remarks: Sentences that belong beside the figures: images of the test part that those weights have seen.
    """

    name: str
    layout: str = ""
    sha256: str = ""
    source: str = ""
    licence: str = ""
    run_id: str = ""
    remarks: tuple[str, ...] = ()
