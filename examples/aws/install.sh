#!/bin/sh
# What the image installs, and what the tests run in a clean environment: one list for both.
#   sh install.sh cpu|gpu SOURCE
# SOURCE: this repository's root, a wheel, or "prodcat" from the package index.
# requirements.txt has the version and the hashes of every package; pip refuses any other file.
set -eu
kind=$1 source=$2
locked=$(dirname "$0")/requirements.txt
if [ "$kind" = cpu ]; then
    # On Linux the plain torch package is the CUDA build.  Name the index that has CPU builds, e.g.
    # PIP_TORCH_ARGS="--index-url <PyTorch's CPU index>", and the hash of the file that you checked
    # as TORCH_SHA256.
    torch=$(mktemp)
    echo "torch==2.13.0${TORCH_SHA256:+ --hash=sha256:$TORCH_SHA256}" > "$torch"
    # shellcheck disable=SC2086
    python -m pip install --no-cache-dir --no-deps -r "$torch" ${PIP_TORCH_ARGS:-}
    rm "$torch"
    others=$(mktemp)
    awk '/^[a-z]/ { cuda = /^(torch|triton|nvidia-|cuda-)/ } !cuda' "$locked" > "$others"
    locked=$others
fi
python -m pip install --no-cache-dir --no-deps --require-hashes -r "$locked"
python -m pip install --no-cache-dir --no-deps --no-build-isolation "$source"
if [ "$kind" = gpu ]; then
    python -c 'import torch; assert torch.version.cuda, "this torch has no CUDA"'
fi
python -m pip check
python -m prodcat --version
