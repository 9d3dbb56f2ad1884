"""A backup: what must be kept elsewhere so that nothing is lost with this machine.

Closed files (segments, sightings, manifests) are put on the other shelf once and never again. What
grows or changes (ledger, published names, frontiers, files named besides) is kept by date. Every
backup ends with a catalogue of its SHA-256 digests, and a file counts from then on: whatever was
interrupted before is taken up by the next. A catalogue that is lost costs digests and no file:
manifests have most of them too, and the next backup catalogues all that lies there.

`put.backup` makes one, `check.check` reads it, `restore.restore` brings it back.
"""
