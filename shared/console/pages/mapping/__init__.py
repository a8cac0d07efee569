"""Pages of the mapping: versions, files and drift; the proposal."""
