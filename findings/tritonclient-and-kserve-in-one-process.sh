#!/bin/sh
# tritonclient 2.73.0 (its gRPC client) and kserve 0.21.0 cannot be loaded into one Python process, in either order: each brings messages of the package `inference` whose definitions differ, and the second to come raises TypeError
# ("duplicate symbol"). `import kserve` loads them whether or not gRPC is used, so its REST client is shut out as well; tritonclient.http goes with it.
#
# Needs Python 3.12 (PYTHON names another) and pip. Packages are those that are named below.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3.12}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check kserve==0.21.0 "tritonclient[http,grpc]==2.73.0" protobuf==6.33.6
cat >probe.py <<'END'
import importlib, sys

for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        print(f"{name}: loaded", end="; ")
    except TypeError as error:
        print(f"{name}: TypeError, {'duplicate symbol' if 'duplicate symbol' in str(error) else error}", end="; ")
END
both=$(venv/bin/python probe.py tritonclient.grpc kserve)
turned=$(venv/bin/python probe.py kserve tritonclient.grpc)
http=$(venv/bin/python probe.py kserve tritonclient.http)
echo "tritonclient 2.73.0, kserve 0.21.0: $both and: $turned and: $http"
case "$both" in "tritonclient.grpc: loaded; kserve: TypeError, duplicate symbol; ") ;; *) echo "no longer so" && exit 1 ;; esac
case "$turned" in "kserve: loaded; tritonclient.grpc: TypeError, duplicate symbol; ") ;; *) echo "no longer so" && exit 1 ;; esac
case "$http" in "kserve: loaded; tritonclient.http: loaded; ") ;; *) echo "no longer so" && exit 1 ;; esac
