"""Objects at any fsspec URI, and the artifacts, stores and tables that they hold.

* Objects: :mod:`~prodcat.storage.objects` (which the rest of prodcat uses), a single attempt at
  each operation in :mod:`~prodcat.storage.folder`, further attempts in
  :mod:`~prodcat.storage.retries`, the meaning of faults in :mod:`~prodcat.storage.faults`.
* Artifacts: :mod:`~prodcat.storage.artifact`, the :mod:`~prodcat.storage.manifest`, artifacts in
  one file (:mod:`~prodcat.storage.archive`) and on this machine (:mod:`~prodcat.storage.cache`).
* Stores: :mod:`~prodcat.storage.registry` (their content), :mod:`~prodcat.storage.publishing`,
  :mod:`~prodcat.storage.promotion`, :mod:`~prodcat.storage.pruning`,
  :mod:`~prodcat.storage.version_reader` and :mod:`~prodcat.storage.listing`.
* Tables of rows: :mod:`~prodcat.storage.tables`.
"""
