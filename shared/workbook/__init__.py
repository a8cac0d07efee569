"""The mapping as an Excel workbook that a consultant can edit (MAP-04, C-33)."""
