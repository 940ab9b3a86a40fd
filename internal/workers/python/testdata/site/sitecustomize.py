import sys

sys.stderr.write("sitecustomize ran\n")
