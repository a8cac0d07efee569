"""The mapping as an Excel workbook."""
