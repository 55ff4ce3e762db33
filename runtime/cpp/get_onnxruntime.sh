#!/bin/sh
# Fetch what the C++ runtime is built with: ONNX Runtime's headers from an npm package, its library from a Python wheel.
# Usage: sh get_onnxruntime.sh FOLDER [x86_64|aarch64]
#
# FOLDER gets include/ and lib/libonnxruntime.so.  Needs npm, pip and unzip.
set -eu
FOLDER=$1
MACHINE=${2:-x86_64}
HEADERS=com.github.asus4.onnxruntime@0.4.9
WHEEL=onnxruntime==1.32.0
mkdir -p "$FOLDER/include" "$FOLDER/lib"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

if [ ! -f "$FOLDER/include/onnxruntime_c_api.h" ]; then
    (cd "$WORK" && npm pack --silent "$HEADERS" >/dev/null)
    mkdir "$WORK/headers"
    tar -xzf "$WORK"/*.tgz -C "$WORK/headers" --wildcards '*/onnxruntime_*.h'
    find "$WORK/headers" -name 'onnxruntime*.h' -exec cp {} "$FOLDER/include/" ';'
fi
if [ ! -f "$FOLDER/lib/libonnxruntime.so" ]; then
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$WORK" \
        --platform "manylinux_2_28_$MACHINE" --python-version 3.11 "$WHEEL"
    unzip -q "$WORK"/*.whl 'onnxruntime/capi/libonnxruntime.so*' -d "$WORK/wheel"
    cp "$WORK"/wheel/onnxruntime/capi/libonnxruntime.so.* "$FOLDER/lib/"
    cd "$FOLDER/lib"
    for name in libonnxruntime.so.*; do  # the loader asks for .so.1, the linker for .so
        ln -sf "$name" libonnxruntime.so.1
        ln -sf "$name" libonnxruntime.so
        break
    done
fi
