"""Reads and writes objects at any fsspec URI: artifacts, stores of models, and tables.

* Objects: :mod:`~prodcat.storage.objects` (which the rest of prodcat uses).  A single attempt at
  each operation is in :mod:`~prodcat.storage.folder`, further attempts are in
  :mod:`~prodcat.storage.retries`, and the meaning of faults is in :mod:`~prodcat.storage.faults`.
* Who named a URI, and what reading it may cost: :mod:`~prodcat.storage.places`.
* Artifacts: :mod:`~prodcat.storage.artifact`, the :mod:`~prodcat.storage.manifest`, artifacts in
  one file (:mod:`~prodcat.storage.archive`) and on this machine (:mod:`~prodcat.storage.cache`,
  :mod:`~prodcat.storage.private_folder`, :mod:`~prodcat.storage.verified_files`).
* Stores: :mod:`~prodcat.storage.registry` (their content), :mod:`~prodcat.storage.trust` (the
  signatures that are required), :mod:`~prodcat.storage.publishing`,
  :mod:`~prodcat.storage.promotion`, :mod:`~prodcat.storage.pruning`,
  :mod:`~prodcat.storage.version_reader` and :mod:`~prodcat.storage.listing`.
* Tables of rows: :mod:`~prodcat.storage.tables`.
"""
