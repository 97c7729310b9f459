"""Objects at any fsspec URI, and the files that are made of them.

* Objects: :mod:`~prodcat.storage.objects` (what the rest of prodcat uses), one attempt at each
  operation in :mod:`~prodcat.storage.folder`, attempts again in :mod:`~prodcat.storage.retries`,
  the meaning of faults in :mod:`~prodcat.storage.faults`.
* Artifacts: :mod:`~prodcat.storage.artifact`, its :mod:`~prodcat.storage.manifest`, in one file
  (:mod:`~prodcat.storage.archive`) and kept on this machine (:mod:`~prodcat.storage.cache`).
* Stores: :mod:`~prodcat.storage.registry` (what there is), :mod:`~prodcat.storage.publishing`,
  :mod:`~prodcat.storage.promotion`, :mod:`~prodcat.storage.pruning`,
  :mod:`~prodcat.storage.version_reader` and :mod:`~prodcat.storage.listing`.
* Tables of rows: :mod:`~prodcat.storage.tables`.
"""
