"""The tie-out as an Excel workbook: live sums over named records, ready to be printed and filed."""

from stsync.books.workbook.write import Heading, workbook

__all__ = ["Heading", "workbook"]
