#!/bin/sh
# What the image installs, and what the tests run in a clean environment: one list for both.
#   sh install.sh cpu|gpu SOURCE
# SOURCE: this repository's root, a wheel, or "prodcat" from the package index.
set -eu
kind=$1 source=$2
python -m pip install --no-cache-dir --upgrade 'pip>=25.1'
# torch first and alone.  On Linux the plain package is the CUDA build; for a CPU image name the
# index that has CPU builds, e.g. PIP_TORCH_ARGS="--index-url <PyTorch's CPU index>".
# shellcheck disable=SC2086
python -m pip install --no-cache-dir torch==2.13.0 ${PIP_TORCH_ARGS:-}
# The S3 packages pinned together, or pip tries versions for minutes.
python -m pip install --no-cache-dir "${source}[serve]" \
    s3fs==2026.9.0 aiobotocore==3.10.0 botocore==1.43.117
if [ "$kind" = gpu ]; then
    python -c 'import torch; assert torch.version.cuda, "this torch has no CUDA"'
fi
python -m prodcat --version
