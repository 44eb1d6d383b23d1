"""Whether weights are at hand is known before a run is made, and mostly before anything is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_of_the_usual_recipe_it_is_known_without_loading_torch(tmp_path: Path) -> None:
    asked = (
        "import sys; from pathlib import Path; from engine.models import starting_weights_at_hand; "
        "from engine.recipes import find_recipe; from engine.workspace import open_workspace; "
        f"starting_weights_at_hand(open_workspace(Path({str(tmp_path / 'here')!r})), find_recipe('default')); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
