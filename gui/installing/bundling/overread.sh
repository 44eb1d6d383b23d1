#!/bin/sh
# Starts Overread. The first time it makes an environment from the wheels beside it, and from nowhere else.
# $PYTHON names the Python to use, $OVERREAD_ENVIRONMENT another folder for the environment.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
environment=${OVERREAD_ENVIRONMENT:-$here/environment}
fits() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (@MAJOR@, @MINOR@))' >/dev/null 2>&1; }
if [ ! -e "$environment/ready" ]; then
    python=
    for each in "${PYTHON:-python@MAJOR@.@MINOR@}" python@MAJOR@.@MINOR@ python3 python; do
        if fits "$each"; then python=$each; break; fi
    done
    if [ -z "$python" ]; then
        echo "This bundle needs Python @MAJOR@.@MINOR@, and none was found. Install it, or name it: PYTHON=/path/to/python sh overread.sh" >&2
        exit 1
    fi
    for each in sha256sum "shasum -a 256"; do
        command -v "${each%% *}" >/dev/null || continue
        said=$(cd -- "$here" && LC_ALL=C $each -c SHA256SUMS 2>/dev/null) || {
            printf '%s\n' "$said" | grep -v ': OK$' >&2
            echo "That is not as it was when the bundle was made. Unpack the bundle again, or fetch it again." >&2
            exit 1
        }
        break
    done
    echo "Making an environment in $environment; this takes some minutes, once." >&2
    if ! "$python" -m venv --clear "$environment"; then
        echo "No environment can be made there. Name another folder in OVERREAD_ENVIRONMENT; on Debian and Ubuntu install python3-venv." >&2
        exit 1
    fi
    if ! PIP_CONFIG_FILE=/dev/null "$environment/bin/python" -m pip --isolated --disable-pip-version-check install --quiet \
        --no-index --no-deps --require-hashes --find-links "$here/wheels" -r "$here/requirements.txt"; then
        echo "The wheels could not be installed; what pip says stands above. Unpack the bundle again, and start again." >&2
        exit 1
    fi
    : >"$environment/ready"
fi
[ $# -gt 0 ] || set -- gui
exec "$environment/bin/python" -P -m gui "$@"
