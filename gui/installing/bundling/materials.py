"""What a bundle is made of, as CycloneDX 1.6: each package with version, licence, checksum and what it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from gui.installing.bundling.wheels import Wheel

if TYPE_CHECKING:
    from packaging.utils import NormalizedName


LONGEST_LICENCE = 200  # characters; some packages put the whole text there


def bill_of_materials(own: Wheel, found: Iterable[Wheel]) -> str:
    """Return the bill of materials of wheels as JSON.

    Raises:
        EngineError: What makes it is not installed.
    """
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        raise EngineError(
            f"A bill of materials needs the package {error.name}, which is not installed",
            'python -m pip install -c constraints.txt -e ".[bundle]"',
        ) from error
    from packaging.utils import canonicalize_name

    bom = Bom()
    parts = {canonicalize_name(each.name): _component(each, program=each is own) for each in found}
    asks = {canonicalize_name(each.name): _asked(each) for each in found}
    bom.metadata.component = parts[canonicalize_name(own.name)]
    for name, part in parts.items():
        if part is not bom.metadata.component:
            bom.components.add(part)
        bom.register_dependency(part, [parts[each] for each in sorted(asks[name] & parts.keys())])
    return str(JsonV1Dot6(bom).output_as_string(indent=1))


def _component(wheel: Wheel, *, program: bool) -> Any:
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    said = wheel.told["License-Expression"] or wheel.told["License"] or ""
    named = [
        each.rsplit(" :: ", 1)[1]
        for each in wheel.told.get_all("Classifier", [])
        if each.startswith("License ::")
    ]
    licence = str(said).strip()
    if not licence or len(licence) > LONGEST_LICENCE or "\n" in licence:
        licence = " / ".join(named)
    return Component(
        name=wheel.name,
        version=wheel.version,
        type=ComponentType.APPLICATION if program else ComponentType.LIBRARY,
        bom_ref=f"{wheel.name}=={wheel.version}",
        purl=PackageURL("pypi", name=wheel.name, version=wheel.version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=wheel.sha256)],
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        description=str(wheel.told["Summary"] or "") or None,
    )


def _asked(wheel: Wheel) -> set[NormalizedName]:
    """Return the packages that a wheel asks for, on this computer and without extras."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    names: set[NormalizedName] = set()
    for line in wheel.told.get_all("Requires-Dist", []):
        try:
            wanted = Requirement(line)
        except InvalidRequirement:  # of an old package; it is listed as it is
            continue
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            names.add(canonicalize_name(wanted.name))
    return names
