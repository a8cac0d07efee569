"""Solution files: ExportSolution, and the XML that it writes."""
